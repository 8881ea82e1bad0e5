//! Times a model of random weights: forward, train step, cached greedy decoding; one JSON line.
//!
//! The other side of the comparison is `examples/bench/pytorch_tp.py`; `./dev bench` runs both.

use std::ops::ControlFlow;
use std::str::FromStr;

use anyhow::Result;
use clap::Parser;
use serde_json::{Value, json};
use tch::{Kind, Tensor};
use tp_examples::{backend_name, device_name, kind_name, median_seconds, peak_rss_mb};
use tp_models as _;
use tp_runtime::comm::{DeviceKind, Launch, RankContext, launch};
use tp_runtime::generate::{GenerateOptions, generate};
use tp_runtime::loss;
use tp_runtime::model::Inputs;
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};

/// Times a model of random weights and prints one JSON line.
#[derive(Parser)]
struct Arguments {
    /// The text of its config.json
    #[arg(long, value_name = "JSON", value_parser = Value::from_str)]
    config: Value,
    #[arg(long, default_value_t = 4)]
    batch: i64,
    #[arg(long, default_value_t = 128)]
    seq: i64,
    /// Tokens in the prompt of the decoding
    #[arg(long, default_value_t = 16)]
    prompt: i64,
    /// Tokens decoded
    #[arg(long, default_value_t = 64)]
    new_tokens: i64,
    /// Runs before the counted ones
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Counted runs, of which the median is given
    #[arg(long, default_value_t = 7)]
    repeat: usize,
    /// How many ranks
    #[arg(long, default_value_t = 1)]
    tp: usize,
    /// `f32` or `bf16`
    #[arg(long, value_parser = kind_name, default_value = "f32")]
    dtype: Kind,
    /// `cpu` or `cuda`
    #[arg(long, value_parser = device_name, default_value = "cpu")]
    device: DeviceKind,
    /// `local` or `gloo`
    #[arg(long, value_parser = backend_name, default_value = "local")]
    backend: &'static str,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let options = Launch {
        backend: Some(arguments.backend),
        device: arguments.device,
        ..Launch::new(arguments.tp)
    };
    launch(&options, |rank| {
        let first = rank.rank() == 0;
        let figures = measure(&arguments, rank)?;
        if first {
            println!("{figures}");
        }
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(())
}

fn measure(arguments: &Arguments, rank: RankContext) -> Result<Value> {
    let (world, device) = (rank.world.clone(), rank.device);
    let mesh = rank.mesh(&[("tp", arguments.tp)])?;
    let options = ParallelOptions {
        kind: arguments.dtype,
        device,
        ..Default::default()
    };
    let model = ParallelModel::initialize(&arguments.config, vec![], 0, &mesh, options)?;
    let params: Vec<_> = model
        .parameters()
        .into_iter()
        .map(|named| named.param.clone())
        .collect();
    let options = AdamWOptions {
        learning_rate: 1e-4,
        ..Default::default()
    };
    let mut optimizer = AdamW::new(&params, options)?;
    let count = arguments.batch * arguments.seq;
    let ids =
        (Tensor::arange(count, (Kind::Int64, device)) * 7919).remainder(model.vocabulary_size());
    let ids = ids.view([arguments.batch, arguments.seq]);
    let batch = || Inputs::new(ids.shallow_clone());
    let labels = loss::next_token_labels(&ids)?;

    let forward = median_seconds(&world, device, arguments.warmup, arguments.repeat, || {
        tch::no_grad(|| model.forward(&batch(), None))?;
        Ok(())
    })?;
    let train_step = median_seconds(&world, device, arguments.warmup, arguments.repeat, || {
        optimizer.zero_grad();
        let logits = model.forward(&batch(), None)?;
        loss::cross_entropy(&logits, &labels)?.f_backward()?;
        Ok(optimizer.step()?)
    })?;
    let prompt = ids.narrow(0, 0, 1).narrow(1, 0, arguments.prompt);
    let options = GenerateOptions::greedy(arguments.new_tokens);
    let decode = median_seconds(&world, device, 1, 3, || {
        let _ = generate(
            &model,
            &Inputs::new(prompt.shallow_clone()),
            &options,
            |_| ControlFlow::Continue(()),
        )?;
        Ok(())
    })?;
    Ok(json!({
        "forward_s": forward,
        "train_step_s": train_step,
        "decode_tokens_per_s": arguments.new_tokens as f64 / decode,
        "peak_rss_mb": peak_rss_mb(&world)?,
    }))
}
