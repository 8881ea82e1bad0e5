//! A model and a plan of one's own: two ranks give the logits, loss and gradients that one gives.
//!
//! `cargo run -p tp-examples --bin own-model`

mod model;

use anyhow::{Result, ensure};
use serde_json::json;
use tch::{Kind, Tensor};
use tp_runtime::prelude::{Inputs, Launch, Mode, ParallelModel, RankContext, launch};

/// A tensor that does not depend on the number of ranks, under its name.
type Named = (String, Tensor);

fn main() -> Result<()> {
    let unsharded = launch(&Launch::new(1), |rank| run(rank, Mode::TensorParallel))?;
    for mode in [Mode::TensorParallel, Mode::SequenceParallel] {
        let sharded = launch(&Launch::new(2), |rank| run(rank, mode))?;
        println!("{mode:?} over 2 ranks, against 1 rank:");
        for ((name, one), (_, two)) in unsharded.iter().zip(&sharded) {
            let apart = (one - two).abs().max().double_value(&[]);
            let scale = one.abs().max().double_value(&[]);
            println!("  {name:26} differs by {apart:.0e}, where the largest is {scale:.0e}");
            ensure!(apart <= 1e-4 * scale, "`{name}` depends on the degree");
        }
    }
    Ok(())
}

/// Logits, loss and every gradient, whole.
fn run(rank: RankContext, mode: Mode) -> tp_runtime::Result<Vec<Named>> {
    let config = json!({ "architectures": ["MeanMixer"], "initializer_range": 0.2 });
    let mesh = rank.mesh(&[("tp", rank.world_size())])?;
    let model = ParallelModel::from_config(config).mode(mode).load(&mesh)?;

    // Seven positions over two ranks: four and three.
    let counted = Tensor::arange(2 * 7, (Kind::Int64, rank.device)) * 5;
    let ids = counted.remainder(64).view([2, 7]);
    let inputs = Inputs::new(ids.shallow_clone());
    let logits = tch::no_grad(|| model.forward(&inputs, None)?.full())?;
    let loss = model.loss(&inputs, &ids)?;
    loss.f_backward()?;

    let mut results = vec![
        ("logits".to_owned(), logits),
        ("loss".to_owned(), loss.detach()),
    ];
    for named in model.parameters() {
        let gradient = model.gradient(&named)?;
        results.push((format!("∂ {}", named.name), gradient));
    }
    Ok(results)
}
