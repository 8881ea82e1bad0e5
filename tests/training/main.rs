//! Training on a mesh is training by one process with the whole batch: loss, every gradient, norm, parameters.

mod data;
mod precision;
mod reference;
mod run;
mod transformers;

use serde_json::json;
use tch::Kind;
use tp_runtime::Mode;
use tp_runtime::train::{Recompute, Zero};
use tp_tests::grid::Grid;

use data::Data;
use reference::Reference;
use run::Run;

const GRIDS: [Grid; 6] = [
    Grid::new(1, 1, Mode::TensorParallel),
    Grid::new(2, 1, Mode::TensorParallel),
    Grid::new(1, 2, Mode::TensorParallel),
    Grid::new(2, 2, Mode::TensorParallel),
    Grid::new(4, 1, Mode::TensorParallel),
    Grid::new(2, 2, Mode::SequenceParallel),
];

/// Every stage, with and without accumulation and recomputation, on every grid.
fn on_every_grid(data: &Data) {
    let reference = Reference::of(data);
    for grid in GRIDS {
        for zero in [Zero::Replicas, Zero::Optimizer, Zero::Parameters] {
            // One rank has nothing to divide.
            if grid.dp == 1 && zero != Zero::Replicas {
                continue;
            }
            for &accumulation in data.accumulations() {
                for recompute in [Recompute::None, Recompute::Full] {
                    let run = Run {
                        grid,
                        zero,
                        accumulation,
                        recompute,
                        kind: Kind::Float,
                    };
                    reference.hold(data, &run);
                }
            }
        }
    }
}

#[test]
fn llama() {
    on_every_grid(&Data::texts("llama_gqa"));
}

#[test]
fn qwen3_with_its_norms_of_heads() {
    on_every_grid(&Data::texts("qwen3"));
}

#[test]
fn gemma3_with_tied_embeddings() {
    on_every_grid(&Data::texts("gemma3_text"));
}

#[test]
fn a_classifier() {
    on_every_grid(&Data::classified("qwen3_seqcls"));
}

#[test]
fn gemma3_with_images_on_some_ranks() {
    on_every_grid(&Data::images("gemma3_cond"));
}

#[test]
fn phi2_with_dropout_of_every_kind() {
    let fields = json!({ "/attention_dropout": 0.2, "/resid_pdrop": 0.1, "/embd_pdrop": 0.1 });
    on_every_grid(&Data::texts("phi2").with_fields(fields));
}

#[test]
fn gemma3_with_dropout_in_text_and_images() {
    let fields =
        json!({ "/text_config/attention_dropout": 0.2, "/vision_config/attention_dropout": 0.3 });
    on_every_grid(&Data::images("gemma3_cond").with_fields(fields));
}

/// Tensor-parallel ranks hold different numbers of heads, so that their flat buffers differ; what two of
/// them hold is cut at different places.
#[test]
fn heads_that_ranks_hold_unevenly() {
    let data = Data::texts("llama_gqa");
    let reference = Reference::of(&data);
    for mode in [Mode::TensorParallel, Mode::SequenceParallel] {
        for zero in [Zero::Replicas, Zero::Optimizer, Zero::Parameters] {
            let run = Run {
                grid: Grid::new(2, 3, mode),
                zero,
                accumulation: 1,
                recompute: Recompute::None,
                kind: Kind::Float,
            };
            reference.hold(&data, &run);
        }
    }
}
