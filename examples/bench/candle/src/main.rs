//! candle's side of the bench: a Llama of random weights in f32; one JSON line.
//!
//! Decoding and the long prompt run candle-transformers' Llama. It gives the logits of the last position only and
//! most of its operations record no gradient, so forward and train step run [`llama::Llama`].

mod llama;
mod timing;

use std::collections::HashMap;
use std::str::FromStr;

use anyhow::{Result, ensure};
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, VarBuilder, VarMap, loss};
use candle_transformers::models::llama::{Cache, Config, Llama as CachedLlama, LlamaConfig};
use clap::{Parser, ValueEnum};
use serde_json::{Map, Value, json};

use llama::{Llama, Operations};
use timing::{median_seconds, peak_rss_mb};

/// Times a Llama of random weights and prints one JSON line.
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
    batch: usize,
    #[arg(long, default_value_t = 128)]
    seq: usize,
    /// Texts decoded at once
    #[arg(long, default_value_t = 1)]
    decode_batch: usize,
    /// Tokens in the prompt of the decoding
    #[arg(long, default_value_t = 16)]
    prompt: usize,
    /// Tokens decoded
    #[arg(long, default_value_t = 64)]
    new_tokens: usize,
    /// Tokens in the prompt that is timed by itself
    #[arg(long, default_value_t = 2048)]
    prompt_length: usize,
    /// Runs before the counted ones
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Counted runs, of which the median is given
    #[arg(long, default_value_t = 7)]
    repeat: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Forward,
    Train,
    Decode,
    Prompt,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let bench = Bench::new(&arguments)?;
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
    figures.insert("peak_rss_mb".to_owned(), json!([peak_rss_mb()?]));
    println!("{}", Value::from(figures));
    Ok(())
}

/// Weights and how they are timed.
struct Bench<'a> {
    arguments: &'a Arguments,
    config: Config,
    weights: VarMap,
}

impl<'a> Bench<'a> {
    fn new(arguments: &'a Arguments) -> Result<Self> {
        let model_type = &arguments.config["model_type"];
        ensure!(model_type == "llama", "no {model_type}: Llamas only");
        let config: LlamaConfig = serde_json::from_value(arguments.config.clone())?;
        let config = config.into_config(false);
        let weights = VarMap::new();
        let variables = VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu);
        // Its making draws them.
        CachedLlama::load(variables, &config)?;
        Ok(Self {
            arguments,
            config,
            weights,
        })
    }

    /// Seconds of a forward without gradients.
    fn forward(&self) -> Result<f64> {
        let model = Llama::load(self.constants()?, &self.config, Operations::Fused)?;
        let ids = self.ids(self.arguments.batch, self.arguments.seq)?;
        median_seconds(self.arguments.warmup, self.arguments.repeat, || {
            model.forward(&ids)?;
            Ok(())
        })
    }

    /// Seconds of a step of AdamW.
    fn train_step(&self) -> Result<f64> {
        let variables = VarBuilder::from_varmap(&self.weights, DType::F32, &Device::Cpu);
        let model = Llama::load(variables, &self.config, Operations::Recorded)?;
        let options = ParamsAdamW {
            lr: 1e-4,
            ..Default::default()
        };
        let mut optimizer = AdamW::new(self.weights.all_vars(), options)?;
        let (batch, length) = (self.arguments.batch, self.arguments.seq);
        let ids = self.ids(batch, length)?;
        let labels = ids.narrow(1, 1, length - 1)?.flatten_all()?;
        median_seconds(self.arguments.warmup, self.arguments.repeat, || {
            let logits = model.forward(&ids)?.narrow(1, 0, length - 1)?;
            let loss = loss::cross_entropy(&logits.flatten(0, 1)?, &labels)?;
            Ok(optimizer.backward_step(&loss)?)
        })
    }

    /// Tokens of all texts that a second decodes.
    fn decode(&self) -> Result<f64> {
        let model = CachedLlama::load(self.constants()?, &self.config)?;
        let (texts, new_tokens) = (self.arguments.decode_batch, self.arguments.new_tokens);
        let prompt = self.ids(texts, self.arguments.prompt)?;
        let seconds = self.median_of_long_runs(|| {
            let mut cache = self.cache()?;
            let (mut tokens, mut seen) = (prompt.clone(), 0);
            for _ in 0..new_tokens {
                let logits = model.forward(&tokens, seen, &mut cache)?;
                seen += tokens.dim(1)?;
                tokens = logits.argmax_keepdim(D::Minus1)?;
            }
            Ok(())
        })?;
        Ok((texts * new_tokens) as f64 / seconds)
    }

    /// Seconds until the logits that choose the first token after a long prompt.
    fn prompt(&self) -> Result<f64> {
        let model = CachedLlama::load(self.constants()?, &self.config)?;
        let ids = self.ids(1, self.arguments.prompt_length)?;
        self.median_of_long_runs(|| {
            model.forward(&ids, 0, &mut self.cache()?)?;
            Ok(())
        })
    }

    /// The same weights, whose operations are not recorded.
    fn constants(&self) -> Result<VarBuilder<'static>> {
        let variables = self.weights.data().lock().expect("no thread has panicked");
        let detached = |(name, var): (&String, &Var)| (name.clone(), var.as_detached_tensor());
        let constants: HashMap<String, Tensor> = variables.iter().map(detached).collect();
        Ok(VarBuilder::from_tensors(
            constants,
            DType::F32,
            &Device::Cpu,
        ))
    }

    fn cache(&self) -> Result<Cache> {
        Ok(Cache::new(true, DType::F32, &self.config, &Device::Cpu)?)
    }

    /// Token ids from all of the vocabulary.
    fn ids(&self, batch: usize, length: usize) -> Result<Tensor> {
        let ids = (0..batch * length).map(|index| (index * 7919 % self.config.vocab_size) as u32);
        Ok(Tensor::from_iter(ids, &Device::Cpu)?.reshape((batch, length))?)
    }

    /// Runs that take long are run less often.
    fn median_of_long_runs(&self, run: impl FnMut() -> Result<()>) -> Result<f64> {
        let (warmup, repeat) = (self.arguments.warmup.min(1), self.arguments.repeat.min(3));
        median_seconds(warmup, repeat, run)
    }
}
