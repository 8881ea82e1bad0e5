//! Times a model of random weights: forward, train step, cached greedy decoding, a long prompt; one JSON line.
//!
//! The other sides of the comparison are in `examples/bench`; `./dev bench` runs them all.

use std::ops::ControlFlow;
use std::str::FromStr;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use serde_json::{Map, Value, json};
use tch::{Kind, Tensor};
use tp_examples::{
    backend_name, device_name, kind_name, median_seconds, peak_rss_mb, threads_per_rank,
};
use tp_models as _;
use tp_runtime::comm::{DeviceKind, Launch, RankContext, launch};
use tp_runtime::generate::{GenerateOptions, generate};
use tp_runtime::loss;
use tp_runtime::model::Inputs;
use tp_runtime::nn::KvCache;
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};

/// Times a model of random weights and prints one JSON line.
#[derive(Parser)]
struct Arguments {
    /// The text of its config.json
    #[arg(long, value_name = "JSON", value_parser = Value::from_str)]
    config: Value,
    /// What is timed, separated by commas
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "forward,train,decode"
    )]
    parts: Vec<Part>,
    #[arg(long, default_value_t = 4)]
    batch: i64,
    #[arg(long, default_value_t = 128)]
    seq: i64,
    /// Texts decoded at once
    #[arg(long, default_value_t = 1)]
    decode_batch: i64,
    /// Tokens in the prompt of the decoding
    #[arg(long, default_value_t = 16)]
    prompt: i64,
    /// Tokens decoded
    #[arg(long, default_value_t = 64)]
    new_tokens: i64,
    /// Tokens in the prompt that is timed by itself
    #[arg(long, default_value_t = 2048)]
    prompt_length: i64,
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
    /// What carries the collectives, such as `local` or `gloo`
    #[arg(long, value_parser = backend_name, default_value = "local")]
    backend: &'static str,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// A forward without gradients.
    Forward,
    /// Forward, loss, backward and AdamW.
    Train,
    /// Greedy decoding with a cache.
    Decode,
    /// The forward of one long prompt with a cache, to the logits of its last position.
    Prompt,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let options = Launch {
        backend: Some(arguments.backend),
        device: arguments.device,
        threads_per_rank: Some(threads_per_rank(arguments.tp)),
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
    let mesh = rank.mesh(&[("tp", arguments.tp)])?;
    let options = ParallelOptions {
        kind: arguments.dtype,
        device: rank.device,
        ..Default::default()
    };
    let model = ParallelModel::initialize(&arguments.config, vec![], 0, &mesh, options)?;
    let bench = Bench {
        arguments,
        rank: &rank,
        model: &model,
    };
    let mut figures = Map::new();
    for part in &arguments.parts {
        let (name, figure) = match part {
            Part::Forward => ("forward_s", bench.forward()?),
            Part::Train => ("train_step_s", bench.train_step()?),
            Part::Decode => ("decode_tokens_per_s", bench.decode()?),
            Part::Prompt => ("prompt_s", bench.prompt()?),
        };
        figures.insert(name.to_owned(), json!(figure));
    }
    figures.insert(
        "peak_rss_mb".to_owned(),
        json!(peak_rss_mb(&rank.world, rank.device)?),
    );
    Ok(figures.into())
}

/// A rank and its part of the model that is timed.
struct Bench<'a> {
    arguments: &'a Arguments,
    rank: &'a RankContext,
    model: &'a ParallelModel,
}

impl Bench<'_> {
    /// Seconds of a forward without gradients.
    fn forward(&self) -> Result<f64> {
        let ids = self.ids(self.arguments.batch, self.arguments.seq);
        self.median(self.arguments.warmup, self.arguments.repeat, || {
            let inputs = Inputs::new(ids.shallow_clone());
            tch::no_grad(|| self.model.forward(&inputs, None))?;
            Ok(())
        })
    }

    /// Seconds of a step of AdamW, from zeroed gradients on.
    fn train_step(&self) -> Result<f64> {
        let named = self.model.parameters();
        let params: Vec<_> = named.iter().map(|named| named.param.clone()).collect();
        let options = AdamWOptions {
            learning_rate: 1e-4,
            ..Default::default()
        };
        let mut optimizer = AdamW::new(&params, options)?;
        let ids = self.ids(self.arguments.batch, self.arguments.seq);
        let labels = loss::next_token_labels(&ids)?;
        self.median(self.arguments.warmup, self.arguments.repeat, || {
            optimizer.zero_grad();
            let inputs = Inputs::new(ids.shallow_clone());
            let logits = self.model.forward(&inputs, None)?;
            loss::cross_entropy(&logits, &labels)?.f_backward()?;
            Ok(optimizer.step()?)
        })
    }

    /// Tokens of all texts that a second decodes.
    fn decode(&self) -> Result<f64> {
        let (texts, new_tokens) = (self.arguments.decode_batch, self.arguments.new_tokens);
        let ids = self.ids(texts, self.arguments.prompt);
        let options = GenerateOptions {
            capture: true,
            ..GenerateOptions::greedy(new_tokens)
        };
        let seconds = self.median_of_long_runs(|| {
            let inputs = Inputs::new(ids.shallow_clone());
            let _ = generate(self.model, &inputs, &options, |_| ControlFlow::Continue(()))?;
            Ok(())
        })?;
        Ok((texts * new_tokens) as f64 / seconds)
    }

    /// Seconds until the logits that choose the first token after a long prompt.
    fn prompt(&self) -> Result<f64> {
        let length = self.arguments.prompt_length;
        let ids = self.ids(1, length);
        self.median_of_long_runs(|| {
            let inputs = Inputs {
                logits_to_keep: Some(1),
                ..Inputs::new(ids.shallow_clone())
            };
            let mut cache = KvCache::new(length);
            tch::no_grad(|| self.model.forward(&inputs, Some(&mut cache)))?;
            Ok(())
        })
    }

    /// Token ids from all of the vocabulary.
    fn ids(&self, batch: i64, length: i64) -> Tensor {
        let counted = Tensor::arange(batch * length, (Kind::Int64, self.rank.device));
        let ids = (counted * 7919).remainder(self.model.vocabulary_size());
        ids.view([batch, length])
    }

    fn median(&self, warmup: usize, repeat: usize, run: impl FnMut() -> Result<()>) -> Result<f64> {
        median_seconds(&self.rank.world, self.rank.device, warmup, repeat, run)
    }

    /// Runs that take long are run less often.
    fn median_of_long_runs(&self, run: impl FnMut() -> Result<()>) -> Result<f64> {
        let (warmup, repeat) = (self.arguments.warmup.min(1), self.arguments.repeat.min(3));
        self.median(warmup, repeat, run)
    }
}
