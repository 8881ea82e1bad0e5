//! The check that rustc runs and `explain` agree on which plans have layouts that meet.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tp_runtime::explain::explain;
use tp_runtime::nn::{Embedding, Linear, LinearShape, RmsNorm};
use tp_runtime::plan::check::Flow;
use tp_runtime::plan::{Node, StyleKind};
use tp_runtime::{Mode, Module, Placement, Style};

use super::{COLWISE, EMBED, GATHERED_NORM, ROWWISE, WIDTH, plan, setup};

#[derive(Module)]
#[flow(embed -> blocks -> norm -> head)]
struct Deep {
    embed: Embedding,
    blocks: Vec<Mixed>,
    norm: RmsNorm,
    head: Linear,
}

/// No residual stream: what an element gives is what the next one reads.
#[derive(Module)]
#[flow(norm -> (gate -> gate_norm), up -> down)]
struct Mixed {
    norm: RmsNorm,
    gate: Linear,
    gate_norm: RmsNorm,
    up: Linear,
    down: Linear,
}

const REPLICATE: Placement = Placement::Replicate;
const SEQUENCE: Placement = Placement::Shard(1);

fn deep() -> Deep {
    let square = || Linear::new(LinearShape::new(WIDTH, WIDTH));
    let block = || Mixed {
        norm: RmsNorm::new(WIDTH, 1e-5),
        gate: square(),
        gate_norm: RmsNorm::new(WIDTH / 2, 1e-5),
        up: square(),
        down: square(),
    };
    Deep {
        embed: Embedding::new(11, WIDTH, None),
        blocks: (0..3).map(|_| block()).collect(),
        norm: RmsNorm::new(WIDTH, 1e-5),
        head: Linear::new(LinearShape::new(WIDTH, 11)),
    }
}

fn any_linear() -> impl Strategy<Value = Option<Style>> {
    let gathered = ROWWISE.input(REPLICATE);
    let styles = [
        COLWISE,
        COLWISE.input(SEQUENCE),
        COLWISE.output(REPLICATE),
        COLWISE.input(SEQUENCE).output(REPLICATE),
        ROWWISE,
        ROWWISE.output(SEQUENCE),
        gathered,
        gathered.output(SEQUENCE),
    ];
    prop::option::of(prop::sample::select(styles.to_vec()))
}

fn any_norm() -> impl Strategy<Value = Option<Style>> {
    let styles = [StyleKind::SequenceParallel.style(), GATHERED_NORM];
    prop::option::weighted(0.3, prop::sample::select(styles.to_vec()))
}

fn any_embedding() -> impl Strategy<Value = Option<Style>> {
    let styles = [
        EMBED,
        EMBED.output(SEQUENCE),
        COLWISE,
        COLWISE.output(REPLICATE),
    ];
    prop::option::of(prop::sample::select(styles.to_vec()))
}

/// Rows for some layers of every block, or of the first alone.
fn any_rows() -> impl Strategy<Value = Vec<(&'static str, Style)>> {
    let layers = (
        any_norm(),
        any_linear(),
        any_norm(),
        any_linear(),
        any_linear(),
    );
    let whole = (any_embedding(), any_norm(), any_linear());
    (prop::bool::ANY, layers, whole).prop_map(|(first, layers, (embed, norm, head))| {
        let names = match first {
            true => [
                "blocks.0.norm",
                "blocks.0.gate",
                "blocks.0.gate_norm",
                "blocks.0.up",
                "blocks.0.down",
            ],
            false => [
                "blocks.*.norm",
                "blocks.*.gate",
                "blocks.*.gate_norm",
                "blocks.*.up",
                "blocks.*.down",
            ],
        };
        let (a, b, c, d, e) = layers;
        let block = names.into_iter().zip([a, b, c, d, e]);
        let rows = block.chain([("embed", embed), ("norm", norm), ("head", head)]);
        rows.filter_map(|(name, style)| Some((name, style?)))
            .collect()
    })
}

#[test]
fn rustc_and_explain_agree_on_any_plan() {
    let (model, node): (_, &'static Node) = (deep(), Deep::NODE);
    let met = Cell::new(0);
    let mut runner = TestRunner::new(Config::with_cases(4096));
    let run = runner.run(&any_rows(), |rows| {
        let plan = plan(node, &rows);
        let explained = explain(plan, &model, setup(2))
            .err()
            .map(|error| error.to_string());
        let flow = Flow::of(plan);
        let checked = flow.conflict(Mode::TensorParallel);
        let checked = checked.map(|fault| fault.message().as_str().to_owned());
        met.set(met.get() + usize::from(checked.is_none()));
        prop_assert_eq!(
            explained.is_some(),
            checked.is_some(),
            "{:?}\n{:?}",
            explained,
            checked
        );
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    // Neither verdict is rare.
    assert!(
        (200..4000).contains(&met.get()),
        "{} plans of 4096 meet",
        met.get()
    );
}
