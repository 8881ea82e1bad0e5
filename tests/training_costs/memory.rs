//! What `explain` says a rank holds at most is what libtorch's allocator has seen, within a twentieth.

use serde_json::{Value, json};
use tch::Kind;
use tp_runtime::Mode;
use tp_runtime::memory::measure;
use tp_runtime::train::{Recompute, TrainOptions, Zero};

use crate::run::Run;
use tp_tests::grid::Grid;

/// Large enough that activations outweigh scalars and ids.
fn config(architecture: &str) -> Value {
    json!({
        "architectures": [architecture],
        "vocab_size": 1024, "hidden_size": 128, "intermediate_size": 352, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
        "query_pre_attn_scalar": 32, "sliding_window": 64,
    })
}

const TENSOR: Mode = Mode::TensorParallel;
const SEQUENCE: Mode = Mode::SequenceParallel;

#[test]
fn of_a_rank_that_keeps_all() {
    for architecture in [
        "LlamaForCausalLM",
        "Qwen3ForCausalLM",
        "Gemma3ForCausalLM",
        "PhiForCausalLM",
    ] {
        for (kind, tp, mode) in [
            (Kind::Float, 1, TENSOR),
            (Kind::Float, 2, SEQUENCE),
            (Kind::BFloat16, 2, TENSOR),
        ] {
            let grid = Grid { dp: 1, tp, mode };
            check(architecture, grid, kind, Zero::Replicas, Recompute::None);
        }
    }
}

#[test]
fn of_a_rank_that_recomputes_layers() {
    for architecture in [
        "LlamaForCausalLM",
        "Qwen3ForCausalLM",
        "Gemma3ForCausalLM",
        "PhiForCausalLM",
    ] {
        for (kind, tp, mode) in [
            (Kind::Float, 1, TENSOR),
            (Kind::Float, 2, SEQUENCE),
            (Kind::BFloat16, 2, TENSOR),
        ] {
            let grid = Grid { dp: 1, tp, mode };
            check(architecture, grid, kind, Zero::Replicas, Recompute::Full);
        }
    }
}

#[test]
fn of_a_rank_that_divides_with_others() {
    let grid = Grid {
        dp: 2,
        tp: 2,
        mode: SEQUENCE,
    };
    for zero in [Zero::Replicas, Zero::Optimizer, Zero::Parameters] {
        for kind in [Kind::Float, Kind::BFloat16] {
            check("LlamaForCausalLM", grid, kind, zero, Recompute::Full);
        }
    }
}

#[test]
fn of_a_bucket_where_activations_are_few() {
    let grid = Grid {
        dp: 2,
        tp: 1,
        mode: TENSOR,
    };
    for zero in [Zero::Replicas, Zero::Optimizer] {
        for kind in [Kind::Float, Kind::BFloat16] {
            let run = run(grid, kind, zero, Recompute::Full);
            let run = Run {
                batch: 1,
                sequence: 16,
                ..run
            };
            check_run("LlamaForCausalLM", run);
        }
    }
}

fn run(grid: Grid, kind: Kind, zero: Zero, recompute: Recompute) -> Run {
    Run {
        grid,
        options: TrainOptions {
            zero,
            recompute,
            ..TrainOptions::default()
        },
        accumulation: 2,
        kind,
        batch: 4,
        sequence: 128,
        adapted: None,
    }
}

fn check(architecture: &str, grid: Grid, kind: Kind, zero: Zero, recompute: Recompute) {
    check_run(architecture, run(grid, kind, zero, recompute));
}

fn check_run(architecture: &str, run: Run) {
    let config = config(architecture);
    let explained = run.costs(&config).expect("costs").memory;
    run.on_ranks(&config, |mesh, mut trainer| {
        let batches = run.batches(trainer.model().vocabulary_size());
        // The first step sets up what later ones find.
        trainer.backward(&batches)?;
        trainer.update(1e-3)?;
        let state = trainer.state_bytes();
        let state = state.parameters + state.master + state.moments + state.gradients;
        let (step, bytes) = measure(tch::Device::Cpu, || {
            trainer.backward(&batches)?;
            trainer.update(1e-3)
        })?;
        step?;
        if mesh.world().rank() == 0 {
            let seen = state as f64 + bytes.peak as f64;
            let off = explained.peak as f64 / seen - 1.0;
            assert!(
                off.abs() < 0.05,
                "{architecture}, {run:?}: {seen} bytes were seen, off by {:.1} % from {explained:?}",
                100.0 * off
            );
        }
        Ok(())
    });
}
