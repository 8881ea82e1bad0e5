//! What `explain` says a rank holds from step to step is what its tensors take.

use tch::Kind;
use tp_runtime::Mode;
use tp_runtime::config;
use tp_runtime::train::{Recompute, StateBytes, TrainOptions, Zero};
use tp_tests::fixture;

use crate::run::Run;
use tp_tests::grid::Grid;

#[test]
fn the_state_of_every_stage() {
    for name in ["llama_gqa", "qwen3", "gemma3_text", "gemma3_cond"] {
        for (dp, tp) in [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2)] {
            for zero in [Zero::Replicas, Zero::Optimizer, Zero::Parameters] {
                for kind in [Kind::Float, Kind::BFloat16] {
                    check(name, dp, tp, zero, kind);
                }
            }
        }
    }
}

#[test]
fn the_state_of_an_adapter() {
    for name in ["llama_gqa", "qwen2"] {
        for (dp, tp) in [(1, 1), (3, 1), (2, 2)] {
            for zero in [Zero::Replicas, Zero::Optimizer, Zero::Parameters] {
                for kind in [Kind::Float, Kind::BFloat16] {
                    check_with(name, (dp, tp), zero, kind, Some(name));
                }
            }
        }
    }
}

fn check(name: &str, dp: usize, tp: usize, zero: Zero, kind: Kind) {
    check_with(name, (dp, tp), zero, kind, None);
}

fn check_with(
    name: &str,
    (dp, tp): (usize, usize),
    zero: Zero,
    kind: Kind,
    adapted: Option<&'static str>,
) {
    let run = Run {
        grid: Grid {
            dp,
            tp,
            mode: Mode::TensorParallel,
        },
        options: TrainOptions {
            zero,
            recompute: Recompute::None,
            // No multiple of three ranks.
            bucket: 1000,
            ..TrainOptions::default()
        },
        accumulation: 1,
        kind,
        batch: 1,
        sequence: 4,
        adapted,
    };
    let config = config::read(&fixture(name).dir.join("config.json")).expect("a config");
    let explained = run.costs(&config).expect("costs").memory;
    let explained = StateBytes {
        parameters: explained.parameters,
        master: explained.master,
        moments: explained.moments,
        gradients: explained.gradients,
    };
    run.on_ranks(&config, |mesh, mut trainer| {
        let batches = run.batches(trainer.model().vocabulary_size());
        trainer.backward(&batches)?;
        trainer.update(1e-3)?;
        let held = trainer.state_bytes();
        if mesh.world().rank() == 0 {
            assert_eq!(held, explained, "{name}, {run:?}");
        }
        // Another rank may have less of the vector's last elements, which are no parameter's.
        assert!(held.moments <= explained.moments, "{name}, {run:?}");
        Ok(())
    });
}
