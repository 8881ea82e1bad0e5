//! Trains a small Llama from random weights on four ranks: two groups that share the batch, of two that
//! share the model.
//!
//! `cargo run -p tp-examples --bin train`

use serde_json::json;
use tch::{Kind, Tensor};
use tp_models as _;
use tp_runtime::optim::{Schedule, Shape};
use tp_runtime::prelude::*;
use tp_runtime::train::{BatchSize, MicroBatch, TrainOptions, Trainer};

fn main() -> anyhow::Result<()> {
    Ok(launch(&Launch::new(4), train)?)
}

fn train(rank: RankContext) -> Result<()> {
    // 1. A model: weights that depend on the seed and not on the number of ranks.
    let config = json!({
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 64, "hidden_size": 64, "intermediate_size": 176,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    });
    let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
    let model = ParallelModel::from_config(config)
        .sequence_parallel()
        .load(&mesh)?;
    let mut trainer = Trainer::new(model, &mesh, TrainOptions::default(), |parts| {
        AdamW::of_parts(parts, AdamWOptions::default())
    })?;
    // 2. Something to learn: counting in steps of three. Each rank computes its samples of the batch.
    let batch = BatchSize::new(8, 2, mesh.size("dp")?)?;
    let counted = (Tensor::arange(8 * 33, (Kind::Int64, rank.device)) * 3).remainder(64);
    let own = |samples: std::ops::Range<usize>| {
        let ids = counted
            .view([8, 33])
            .slice(0, samples.start as i64, samples.end as i64, 1);
        MicroBatch {
            inputs: Inputs::new(ids.shallow_clone()),
            labels: ids,
        }
    };
    let batches: Vec<MicroBatch> = batch
        .samples(mesh.coordinate("dp")?)
        .into_iter()
        .map(own)
        .collect();
    // 3. Steps.
    let schedule = Schedule {
        peak: 1e-2,
        warmup_steps: 3,
        total_steps: 30,
        shape: Shape::Cosine { minimum: 0.1 },
    };
    for step in 0..30 {
        let found = trainer.backward(&batches)?;
        trainer.update(schedule.learning_rate(step))?;
        if rank.rank() == 0 {
            println!(
                "step {step:2}: loss {:.3}, gradient norm {:.2}",
                found.loss, found.norm
            );
        }
    }
    Ok(())
}
