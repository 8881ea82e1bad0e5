//! What `explain` says of a step's communication is what the groups of the mesh count.

use tch::Kind;
use tp_runtime::Mode;
use tp_runtime::comm::CommCounts;
use tp_runtime::config;
use tp_runtime::explain::{Count, RankGroup, Traffic};
use tp_runtime::train::{Recompute, TrainOptions, Zero};
use tp_tests::fixture;

use crate::run::Run;
use tp_tests::grid::Grid;

const GRIDS: [(usize, usize, Mode); 6] = [
    (1, 1, Mode::TensorParallel),
    (2, 2, Mode::TensorParallel),
    (2, 2, Mode::SequenceParallel),
    (4, 1, Mode::TensorParallel),
    (1, 2, Mode::TensorParallel),
    (1, 2, Mode::SequenceParallel),
];

#[test]
fn every_collective_of_a_step_is_explained() {
    // Tied and not, with norms of heads, with a layer that ends in a norm, with parallel branches.
    for name in ["llama_gqa", "qwen3", "gemma3_text", "phi2"] {
        on_every_grid(name, Kind::Float);
    }
    on_every_grid("llama_gqa", Kind::BFloat16);
}

#[test]
fn a_model_of_images_is_explained_for_texts() {
    on_every_grid("gemma3_cond", Kind::Float);
}

/// Nothing is sent for the gradients of what is frozen, and none of those before the first adapter.
#[test]
fn an_adapter_is_explained() {
    for name in ["llama_gqa", "llama_tied", "gemma3_text", "phi2"] {
        on_every_grid_with(name, Kind::Float, Some(name));
    }
}

fn on_every_grid(name: &str, kind: Kind) {
    on_every_grid_with(name, kind, None);
}

fn on_every_grid_with(name: &str, kind: Kind, adapted: Option<&'static str>) {
    for (dp, tp, mode) in GRIDS {
        for zero in [Zero::Replicas, Zero::Optimizer, Zero::Parameters] {
            for recompute in [Recompute::None, Recompute::Full] {
                for accumulation in [1, 2] {
                    let options = TrainOptions {
                        zero,
                        recompute,
                        // Small enough that parameters are cut.
                        bucket: 1000,
                        ..TrainOptions::default()
                    };
                    check(
                        name,
                        Run {
                            grid: Grid { dp, tp, mode },
                            options,
                            accumulation,
                            kind,
                            batch: 2,
                            sequence: 7,
                            adapted,
                        },
                    );
                }
            }
        }
    }
}

fn check(name: &str, run: Run) {
    let config = config::read(&fixture(name).dir.join("config.json")).expect("a config");
    let costs = run.costs(&config).expect("costs");
    run.on_ranks(&config, |mesh, mut trainer| {
        let batches = run.batches(trainer.model().vocabulary_size());
        let (world, data, tensor) = (mesh.world(), mesh.group("dp")?, mesh.group("tp")?);
        for group in [world, data, tensor] {
            group.reset_counts();
        }
        trainer.backward(&batches)?;
        trainer.update(1e-3)?;
        let [of_tensor, of_data, of_all] = [RankGroup::Tensor, RankGroup::Data, RankGroup::All]
            .map(|group| costs.traffic_of(group));
        // A group counts what its subgroups do, and one that has all ranks is the world itself.
        let all = [of_tensor, of_data, of_all].into_iter().sum();
        assert_counts(name, run, "all ranks", world.counts(), all);
        let (dp, tp) = (run.grid.dp, run.grid.tp);
        if dp > 1 && tp > 1 {
            assert_counts(name, run, "dp", data.counts(), of_data);
            assert_counts(name, run, "tp", tensor.counts(), of_tensor);
        }
        Ok(())
    });
}

fn assert_counts(name: &str, run: Run, group: &str, counted: CommCounts, explained: Traffic) {
    let kinds = [
        (counted.all_reduce, explained.all_reduce),
        (counted.all_gather, explained.all_gather),
        (counted.reduce_scatter, explained.reduce_scatter),
    ];
    for (counted, explained) in kinds {
        let counted = Count {
            calls: counted.calls,
            bytes: counted.bytes,
        };
        assert_eq!(counted, explained, "{group} of {name}, {run:?}: {kinds:?}");
    }
}
