//! Trains a small Llama from random weights for a few steps, on two ranks with sequence parallelism.
//!
//! `cargo run -p tp-examples --bin train`

use serde_json::json;
use tch::{Kind, Tensor};
use tp_models as _;
use tp_runtime::prelude::*;

fn main() -> anyhow::Result<()> {
    Ok(launch(&Launch::new(2), train)?)
}

fn train(rank: RankContext) -> Result<()> {
    // 1. A model: weights that depend on the seed and not on the number of ranks.
    let config = json!({
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 64, "hidden_size": 64, "intermediate_size": 176,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    });
    let mesh = rank.mesh(&[("tp", rank.world_size())])?;
    let model = ParallelModel::from_config(config)
        .sequence_parallel()
        .load(&mesh)?;
    // 2. Something to learn: counting in steps of three. The batch is the same on every rank.
    let counted = Tensor::arange(4 * 33, (Kind::Int64, model.device())) * 3;
    let ids = counted.remainder(64).view([4, 33]);
    // 3. Steps.
    let params = model.parameters();
    let options = AdamWOptions {
        learning_rate: 3e-3,
        ..AdamWOptions::default()
    };
    let mut optimizer = AdamW::new(params.iter().map(|named| named.param), options)?;
    for step in 0..20 {
        let loss = model.loss(&Inputs::new(ids.shallow_clone()), &ids)?;
        loss.f_backward()?;
        let norm = clip_gradients(&params, 1.0, model.group())?;
        optimizer.step()?;
        optimizer.zero_grad();
        if rank.rank() == 0 {
            println!(
                "step {step:2}: loss {:.3}, gradient norm {norm:.2}",
                loss.double_value(&[])
            );
        }
    }
    Ok(())
}
