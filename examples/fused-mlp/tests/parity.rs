//! The model with the layer of this crate is the same on any number of ranks, gradients included.

use std::path::Path;

use fused_mlp as _;
use serde_json::Value;
use tch::{Device, Kind, Tensor};
use tp_runtime::comm::{Launch, RankContext, launch};
use tp_runtime::model::Inputs;
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::testing::{Tolerance, assert_close};
use tp_runtime::{Mode, Result, config};

fn read_config() -> Result<Value> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(config::read(&dir.join("config.json"))?)
}

/// Logits and every gradient, whole, under their names.
fn numbers(degree: usize, mode: Mode) -> Result<Vec<(String, Tensor)>> {
    let config = read_config()?;
    let numbers = launch(&Launch::new(degree), |rank: RankContext| {
        let mesh = rank.mesh(&[("tp", degree)])?;
        let options = ParallelOptions {
            mode,
            ..ParallelOptions::default()
        };
        let model = ParallelModel::initialize(&config, Vec::new(), 3, &mesh, options)?;
        // No degree but one divides the sequence.
        let ids = Tensor::arange(2 * 7, (Kind::Int64, Device::Cpu)) * 5;
        let ids = ids.remainder(41).view([2, 7]);
        let inputs = Inputs::new(ids.shallow_clone());
        let logits = tch::no_grad(|| model.forward(&inputs, None)?.full())?;
        model.loss(&inputs, &ids)?.f_backward()?;
        model.check_replicas()?;
        let mut numbers = vec![("logits".to_owned(), logits)];
        for named in model.parameters() {
            numbers.push((named.name.clone(), model.gradient(&named)?));
        }
        Ok::<_, tp_runtime::Error>(numbers)
    })?;
    Ok(numbers)
}

#[test]
fn logits_and_gradients_are_those_of_one_rank() -> Result<()> {
    let unsharded = numbers(1, Mode::TensorParallel)?;
    // Not a gradient that is zero everywhere, which any mistake would reproduce.
    assert!(
        unsharded
            .iter()
            .all(|(_, of)| of.abs().max().double_value(&[]) > 0.0)
    );
    for degree in [2, 3, 4] {
        for mode in [Mode::TensorParallel, Mode::SequenceParallel] {
            for ((name, wanted), (_, found)) in unsharded.iter().zip(numbers(degree, mode)?) {
                let context = format!("{name} on {degree} ranks, {mode:?}");
                assert_close(&context, &found, wanted, Tolerance::F32);
            }
        }
    }
    Ok(())
}
