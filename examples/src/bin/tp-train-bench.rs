//! Times an optimizer step of a model of random weights on a mesh; one JSON line.
//!
//! The other side of the comparison is `examples/bench/pytorch_fsdp.py`; `./dev bench --training` runs both.

use std::str::FromStr;

use anyhow::Result;
use clap::Parser;
use serde_json::{Value, json};
use tch::{Kind, Tensor};
use tp_examples::{
    backend_name, device_name, kind_name, median_seconds, peak_rss_mb, threads_per_rank,
};
use tp_models as _;
use tp_runtime::comm::{DeviceKind, Launch, RankContext, launch};
use tp_runtime::model::Inputs;
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::ParallelModel;
use tp_runtime::train::{BatchSize, MicroBatch, Recompute, TrainOptions, Trainer, Zero};

/// Times an optimizer step of a model of random weights and prints one JSON line.
#[derive(Parser)]
struct Arguments {
    /// The text of its config.json
    #[arg(long, value_name = "JSON", value_parser = Value::from_str)]
    config: Value,
    /// Sequences in a step, over all ranks
    #[arg(long, default_value_t = 4)]
    batch: usize,
    /// Sequences that a rank computes at once [default: all of its part]
    #[arg(long)]
    micro_batch: Option<usize>,
    #[arg(long, default_value_t = 128)]
    seq: usize,
    /// Runs before the counted ones
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Counted runs, of which the median is given
    #[arg(long, default_value_t = 7)]
    repeat: usize,
    #[arg(long, default_value_t = 1)]
    dp: usize,
    #[arg(long, default_value_t = 1)]
    tp: usize,
    /// 0, 1 or 3
    #[arg(long, default_value_t = 1)]
    zero: u8,
    #[arg(long)]
    recompute: bool,
    /// `f32` or `bf16`
    #[arg(long, value_parser = kind_name, default_value = "f32")]
    dtype: Kind,
    /// `cpu` or `cuda`
    #[arg(long, value_parser = device_name, default_value = "cpu")]
    device: DeviceKind,
    /// What carries the collectives, such as `local` or `gloo`
    #[arg(long, value_parser = backend_name, default_value = "local")]
    backend: &'static str,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let ranks = arguments.dp * arguments.tp;
    let options = Launch {
        backend: Some(arguments.backend),
        device: arguments.device,
        threads_per_rank: Some(threads_per_rank(ranks)),
        ..Launch::new(ranks)
    };
    launch(&options, |rank| {
        let first = rank.rank() == 0;
        let figures = measure(&arguments, &rank)?;
        if first {
            println!("{figures}");
        }
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(())
}

fn measure(arguments: &Arguments, rank: &RankContext) -> Result<Value> {
    let mesh = rank.mesh(&[("dp", arguments.dp), ("tp", arguments.tp)])?;
    let model = ParallelModel::from_config(arguments.config.clone())
        .kind(arguments.dtype)
        .device(rank.device)
        .load(&mesh)?;
    let vocabulary = model.vocabulary_size();
    let options = TrainOptions {
        zero: match arguments.zero {
            0 => Zero::Replicas,
            3 => Zero::Parameters,
            _ => Zero::Optimizer,
        },
        recompute: match arguments.recompute {
            true => Recompute::Full,
            false => Recompute::None,
        },
        ..Default::default()
    };
    let mut trainer = Trainer::new(model, &mesh, options, |parts| {
        AdamW::of_parts(parts, AdamWOptions::default())
    })?;
    let micro = arguments
        .micro_batch
        .unwrap_or(arguments.batch / arguments.dp);
    let size = BatchSize::new(arguments.batch, micro, arguments.dp)?;
    let (batch, sequence) = (arguments.batch as i64, arguments.seq as i64);
    let ids = Tensor::arange(batch * sequence, (Kind::Int64, rank.device)) * 7919;
    let ids = ids.remainder(vocabulary).view([batch, sequence]);
    let own = size
        .samples(mesh.coordinate("dp")?)
        .into_iter()
        .map(|samples| {
            let ids = ids.narrow(0, samples.start as i64, samples.len() as i64);
            MicroBatch {
                inputs: Inputs::new(ids.shallow_clone()),
                labels: ids,
            }
        });
    let batches: Vec<MicroBatch> = own.collect();
    let step = median_seconds(
        &rank.world,
        rank.device,
        arguments.warmup,
        arguments.repeat,
        || {
            trainer.backward(&batches)?;
            Ok(trainer.update(1e-4)?)
        },
    )?;
    Ok(json!({ "train_step_s": step, "peak_rss_mb": peak_rss_mb(&rank.world, rank.device)? }))
}
