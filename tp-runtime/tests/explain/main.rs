//! What `explain` says of small models: sharing, residual branches, layouts that do not meet.

use std::num::NonZeroUsize;
mod flow;
mod heads;

use tp_runtime::explain::{CollectiveCall, Count, Dtype, Explanation, Setup, Traffic, explain};
use tp_runtime::nn::{Embedding, Linear, LinearShape, RmsNorm};
use tp_runtime::plan::{Item, Node, Plan, Row, StyleKind};
use tp_runtime::{Mode, Module, Placement, Style};

const BATCH: u64 = 2;
const SEQUENCE: u64 = 5;
const WIDTH: i64 = 6;
/// Bytes of an activation between blocks.
const BETWEEN: u64 = BATCH * SEQUENCE * WIDTH as u64 * 4;

#[derive(Module)]
#[flow(embed -> blocks -> head)]
struct Tiny {
    embed: Embedding,
    blocks: Vec<Block>,
    head: Linear,
}

#[derive(Module)]
#[flow(norm -> gate, up -> down -> +)]
struct Block {
    norm: RmsNorm,
    gate: Linear,
    up: Linear,
    down: Linear,
}

#[derive(Module)]
struct Silent {
    embed: Embedding,
    head: Linear,
}

fn tiny() -> Tiny {
    let block = || Block {
        norm: RmsNorm::new(WIDTH, 1e-5),
        gate: Linear::new(LinearShape::new(WIDTH, 9)),
        up: Linear::new(LinearShape::new(WIDTH, 9)),
        down: Linear::new(LinearShape::new(9, WIDTH).bias(true)),
    };
    Tiny {
        embed: Embedding::new(11, WIDTH, None),
        blocks: vec![block(), block()],
        head: Linear::new(LinearShape::new(WIDTH, 11)),
    }
}

const COLWISE: Style = StyleKind::Colwise.style();
const ROWWISE: Style = StyleKind::Rowwise.style();
const EMBED: Style = StyleKind::VocabParallelEmbedding.style();
const GATHERED_NORM: Style = StyleKind::SequenceParallelAllGatherActivation.style();

/// A plan as `tp_plan!` would write it, were it not for the checks that some of these fail.
fn plan(node: &'static Node, rows: &[(&'static str, Style)]) -> &'static Plan {
    let items = rows
        .iter()
        .map(|&(pattern, style)| Item::Row(Row::new(pattern, Some(style))));
    Box::leak(Box::new(Plan {
        name: "TEST",
        doc: "",
        node,
        alternate: None,
        base: None,
        items: Box::leak(items.collect()),
        has_sequence_column: true,
        file: "test.rs",
        line: 1,
    }))
}

fn setup(degree: usize) -> Setup {
    Setup {
        degree: NonZeroUsize::new(degree).expect("degrees of these tests are not zero"),
        mode: Mode::TensorParallel,
        batch: BATCH,
        sequence: SEQUENCE,
        dtype: Dtype::F32,
    }
}

fn of_tiny(rows: &[(&'static str, Style)]) -> tp_runtime::Result<Explanation> {
    explain(plan(Tiny::NODE, rows), &tiny(), setup(2))
}

fn message(rows: &[(&'static str, Style)]) -> String {
    match of_tiny(rows) {
        Ok(report) => panic!("explained:\n{report}"),
        Err(error) => error.to_string(),
    }
}

/// What is communicated, for whom, and of what, in a line each.
fn lines(calls: &[CollectiveCall]) -> Vec<String> {
    let line = |call: &CollectiveCall| {
        format!(
            "{} {} {}",
            call.collective,
            call.modules.join("+"),
            call.operand
        )
    };
    calls.iter().map(line).collect()
}

#[test]
fn readers_of_one_value_share_its_redistribution() {
    let report = of_tiny(&[
        ("blocks.*.gate", COLWISE),
        ("blocks.*.up", COLWISE),
        ("blocks.*.down", ROWWISE),
    ])
    .expect("layouts meet");
    assert_eq!(
        lines(&report.forward),
        [
            "all_reduce blocks.0.down output",
            "all_reduce blocks.1.down output"
        ]
    );
    assert_eq!(
        lines(&report.backward),
        [
            "all_reduce blocks.1.gate+blocks.1.up input",
            "all_reduce blocks.0.gate+blocks.0.up input"
        ]
    );
    let expected = Traffic {
        all_reduce: Count {
            calls: 2,
            bytes: 2 * BETWEEN,
        },
        ..Traffic::default()
    };
    assert_eq!(report.forward_traffic(), expected);
    assert_eq!(report.backward_traffic(), expected);
}

#[test]
fn sharded_activations_sum_the_gradients_of_what_is_replicated() {
    let split = Placement::Shard(1);
    let report = of_tiny(&[
        ("embed", EMBED.output(split)),
        ("blocks.0.norm", GATHERED_NORM),
        ("blocks.1.norm", GATHERED_NORM),
        ("blocks.*.gate", COLWISE),
        ("blocks.*.up", COLWISE),
        ("blocks.*.down", ROWWISE.output(split)),
    ])
    .expect("layouts meet");
    assert_eq!(
        lines(&report.forward)[..3],
        [
            "reduce_scatter embed output",
            "all_gather blocks.0.gate+blocks.0.up input",
            "reduce_scatter blocks.0.down output",
        ]
    );
    assert_eq!(
        lines(&report.backward),
        [
            // The head has no row: it works on its share of the sequence.
            "all_reduce head weight",
            "all_reduce blocks.1.down bias",
            "all_gather blocks.1.down output",
            "reduce_scatter blocks.1.gate+blocks.1.up input",
            "all_reduce blocks.1.norm weight",
            "all_reduce blocks.0.down bias",
            "all_gather blocks.0.down output",
            "reduce_scatter blocks.0.gate+blocks.0.up input",
            "all_reduce blocks.0.norm weight",
            "all_gather embed output",
        ]
    );
    assert_eq!(lines(&report.loss), ["all_gather head logits"]);
}

#[test]
fn a_gather_waits_for_readers_and_its_backward_follows_them() {
    // Every rank computes the same of the gathered gate and up: the gradient is whole, and split.
    let report = of_tiny(&[
        ("blocks.*.gate", COLWISE.output(Placement::Replicate)),
        ("blocks.*.up", COLWISE.output(Placement::Replicate)),
    ])
    .expect("layouts meet");
    let gathers = lines(&report.forward)
        .into_iter()
        .filter(|line| line.starts_with("all_gather"));
    assert_eq!(gathers.count(), 4);
    assert_eq!(report.backward_traffic().reduce_scatter, Count::default());
    assert_eq!(report.backward_traffic().all_reduce.calls, 2);
}

#[test]
fn logits_sharded_over_the_vocabulary_cost_three_numbers_a_position() {
    let report = of_tiny(&[("head", COLWISE)]).expect("layouts meet");
    let expected = Count {
        calls: 2,
        bytes: 3 * BATCH * SEQUENCE * 4,
    };
    assert_eq!(report.loss_traffic().all_reduce, expected);
    let gathered =
        of_tiny(&[("head", COLWISE.output(Placement::Replicate))]).expect("layouts meet");
    assert_eq!(
        gathered.loss_traffic().all_gather,
        Count {
            calls: 1,
            bytes: BATCH * SEQUENCE * 11 * 4
        }
    );
}

#[test]
fn one_rank_communicates_nothing() {
    let rows = [
        ("blocks.*.gate", COLWISE),
        ("blocks.*.up", COLWISE),
        ("blocks.*.down", ROWWISE),
    ];
    let report = explain(plan(Tiny::NODE, &rows), &tiny(), setup(1)).expect("layouts meet");
    let total = [
        report.forward_traffic(),
        report.loss_traffic(),
        report.backward_traffic(),
    ];
    assert_eq!(total, [Traffic::default(); 3]);
    assert_eq!(report.memory.rank_bytes, report.memory.bytes);
}

#[test]
fn uneven_parts_are_marked_and_counted_on_the_fullest_rank() {
    let report = of_tiny(&[("head", COLWISE)]).expect("layouts meet");
    let head = &report
        .layers
        .last()
        .expect("the model has layers")
        .parameters[0];
    assert_eq!((&head.rank_shape[..], head.uneven), (&[6, WIDTH][..], true));
    assert_eq!(
        report.memory.bytes - report.memory.rank_bytes,
        5 * WIDTH as u64 * 4
    );
    assert_eq!(
        report.memory.replicated_bytes,
        report.memory.rank_bytes - head.rank_bytes
    );
}

#[test]
fn a_row_that_is_given_another_layout_names_both_modules() {
    let text = message(&[("blocks.*.down", ROWWISE)]);
    assert!(
        text.contains("`blocks.0.down (Rowwise)` expects its input as `Shard(-1)`"),
        "{text}"
    );
    assert!(text.contains("`blocks.0.gate` gives `Replicate`"), "{text}");
}

#[test]
fn branches_that_lie_differently_are_no_sum() {
    let text = message(&[("blocks.*.gate", COLWISE)]);
    assert!(
        text.contains("`blocks.0.gate`") && text.contains("`blocks.0.up`"),
        "{text}"
    );
    let text = message(&[
        ("blocks.*.gate", COLWISE),
        ("blocks.*.up", COLWISE),
        ("blocks.*.down", ROWWISE.output(Placement::Shard(1))),
    ]);
    assert!(text.contains("`embed` gives `Replicate`"), "{text}");
    assert!(text.contains("`blocks.0.down` gives `Shard(1)`"), "{text}");
}

#[test]
fn a_struct_without_flow_is_named() {
    let model = Silent {
        embed: Embedding::new(4, 4, None),
        head: Linear::new(LinearShape::new(4, 4)),
    };
    let error = explain(plan(Silent::NODE, &[("head", COLWISE)]), &model, setup(2));
    let text = error
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(
        text.contains("`Silent`") && text.contains("#[flow("),
        "{text}"
    );
}

#[test]
fn layers_that_are_alike_share_a_line_and_others_say_which_they_are() {
    let text = of_tiny(&[("blocks.1.gate", COLWISE.output(Placement::Replicate))])
        .expect("layouts meet")
        .to_string();
    assert!(text.contains("blocks.*.up "), "{text}");
    assert!(
        text.contains("blocks.0.gate ") && text.contains("blocks.1.gate "),
        "{text}"
    );
}

#[test]
fn a_plan_of_one_column_has_no_sequence_parallelism() {
    let one = Plan {
        has_sequence_column: false,
        items: &[],
        ..*plan(Tiny::NODE, &[])
    };
    let setup = Setup {
        mode: Mode::SequenceParallel,
        ..setup(2)
    };
    let refused = explain(Box::leak(Box::new(one)), &tiny(), setup);
    let text = refused.err().map(|error| error.to_string());
    let text = text.unwrap_or_default();
    assert!(
        text.contains("no column for sequence parallelism"),
        "{text}"
    );
}
