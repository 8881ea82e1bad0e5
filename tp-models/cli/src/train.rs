//! `tp train`: next-token training on a text.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::Tensor;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::model::{self, Inputs};
use tp_runtime::optim::{AdamW, AdamWOptions, clip_gradients};
use tp_runtime::parallel::ParallelModel;

use super::model::{config, require_language_model};
use super::numbers::{not_negative, positive};
use super::ranks::{Rank, RankArgs};
use super::text;

/// Trains on a text; the same losses at any number of ranks
#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("start").required(true).args(["model", "config"])))]
pub(super) struct Arguments {
    /// Go on from this checkpoint's folder
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Start from random weights with this config.json; tokenizer.json stands beside it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The text to learn, UTF-8
    #[arg(long, value_name = "TEXT")]
    data: PathBuf,
    /// How many optimizer steps
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Where to save the trained checkpoint
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Sequences in a step
    #[arg(long, value_name = "B", default_value_t = 8, value_parser = clap::value_parser!(i64).range(1..=1 << 16))]
    batch: i64,
    /// Tokens in a sequence
    #[arg(long, value_name = "S", default_value_t = 128, value_parser = clap::value_parser!(i64).range(2..=1 << 24))]
    sequence: i64,
    /// The peak learning rate: reached after a tenth of the steps, then a cosine down to a tenth of it
    #[arg(long, value_name = "RATE", default_value_t = 1e-3, value_parser = positive)]
    learning_rate: f64,
    /// AdamW's decoupled weight decay
    #[arg(long, value_name = "DECAY", default_value_t = 0.01, value_parser = not_negative)]
    weight_decay: f64,
    /// Clip the gradient's global norm to this
    #[arg(long, value_name = "NORM", default_value_t = 1.0, value_parser = positive)]
    max_norm: f64,
    /// Check at every step that what several ranks hold is the same on each, bit by bit
    #[arg(long)]
    check_replicas: bool,
    /// Where the weights and the order of the text start
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    ranks: RankArgs,
}

pub(super) fn run(args: &Arguments) -> Result<()> {
    args.ranks.run(args.start(), |rank| train(args, &rank))
}

impl Arguments {
    /// What the model is built from; clap makes sure that it is one of the two.
    fn start(&self) -> &Path {
        self.model
            .as_deref()
            .or(self.config.as_deref())
            .unwrap_or(Path::new(""))
    }

    fn tokenizer(&self) -> PathBuf {
        match &self.model {
            Some(dir) => dir.join("tokenizer.json"),
            None => self.start().with_file_name("tokenizer.json"),
        }
    }

    fn build(&self, rank: &Rank) -> Result<ParallelModel> {
        if let Some(dir) = &self.model {
            let checkpoint = Checkpoint::open(dir)?;
            return Ok(ParallelModel::load(&checkpoint, &rank.mesh, rank.options)?.0);
        }
        let config = config(self.start())?;
        let companions = vec![self.tokenizer()];
        Ok(ParallelModel::initialize(
            &config,
            companions,
            self.seed,
            &rank.mesh,
            rank.options,
        )?)
    }

    /// Linear warm-up over a tenth of the steps, then a cosine down to a tenth of the peak.
    fn learning_rate(&self, step: u64) -> f64 {
        let warm_up = (self.steps / 10).max(1);
        if step < warm_up {
            return self.learning_rate * (step + 1) as f64 / warm_up as f64;
        }
        let done = (step - warm_up) as f64 / (self.steps - warm_up).max(1) as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        self.learning_rate * (0.1 + 0.9 * cosine)
    }
}

fn train(args: &Arguments, rank: &Rank) -> Result<()> {
    let shapes = model::build(&config(args.start())?)?;
    require_language_model(&*shapes, "`tp train`")?;
    let mut windows = Windows::read(args)?;
    let model = args.build(rank)?;
    windows.check(&model)?;
    let options = AdamWOptions {
        learning_rate: args.learning_rate,
        beta2: 0.95,
        weight_decay: args.weight_decay,
        ..Default::default()
    };
    let params = model.parameters();
    let mut optimizer = AdamW::new(params.iter().map(|named| named.param), options)?;
    let progress = progress(args.steps, rank.is_first);
    let (mut first, mut last) = (None, f64::NAN);
    for step in 0..args.steps {
        let ids = windows.batch(rank);
        let loss = model.loss(&Inputs::new(ids.shallow_clone()), &ids)?;
        loss.f_backward()?;
        if args.check_replicas {
            let checked = model.check_replicas();
            checked.with_context(|| format!("step {step}; nothing is saved"))?;
        }
        let norm = clip_gradients(&params, args.max_norm, model.group())?;
        last = f64::try_from(&loss)?;
        if !(last.is_finite() && norm.is_finite()) {
            bail!(
                "step {step}: the loss is {last} and the gradient's norm {norm}; nothing is saved: \
                 try a smaller --learning-rate"
            );
        }
        optimizer.set_learning_rate(args.learning_rate(step));
        optimizer.step()?;
        optimizer.zero_grad();
        first.get_or_insert(last);
        progress.set_message(format!("loss {last:.3}  gradient norm {norm:.2}"));
        progress.inc(1);
    }
    progress.finish_and_clear();
    if let Some(dir) = &args.save {
        model.save(dir)?;
    }
    if rank.is_first {
        if let Some(first) = first {
            println!("{} steps: loss {first:.3} to {last:.3}", args.steps);
        }
        if let Some(dir) = &args.save {
            println!("saved {}", dir.display());
        }
    }
    Ok(())
}

/// A bar where a person looks on, nothing where a file does.
fn progress(steps: u64, is_first: bool) -> ProgressBar {
    if !is_first {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {pos}/{len}  {msg}  {per_sec}  {eta} left";
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Random windows of a tokenized text, the same ones on every rank.
struct Windows {
    tokens: Vec<i64>,
    batch: i64,
    sequence: i64,
    random: ChaCha8Rng,
}

impl Windows {
    fn read(args: &Arguments) -> Result<Self> {
        let text = std::fs::read_to_string(&args.data)
            .with_context(|| format!("cannot read the text `{}`", args.data.display()))?;
        let tokens = text::encode(&text::tokenizer(&args.tokenizer())?, &text, false)?;
        ensure!(
            tokens.len() as i64 >= args.sequence,
            "`{}` has {} tokens: give more text, or at most that many with --sequence",
            args.data.display(),
            tokens.len()
        );
        let random = ChaCha8Rng::seed_from_u64(args.seed);
        Ok(Self {
            tokens,
            batch: args.batch,
            sequence: args.sequence,
            random,
        })
    }

    fn check(&self, model: &ParallelModel) -> Result<()> {
        let (greatest, vocabulary) = (
            self.tokens.iter().max().copied().unwrap_or(0),
            model.vocabulary_size(),
        );
        ensure!(
            greatest < vocabulary,
            "the tokenizer gives ids up to {greatest}, and the model's vocabulary has {vocabulary}: \
             they do not belong together"
        );
        Ok(())
    }

    /// `[batch, sequence]`
    fn batch(&mut self, rank: &Rank) -> Tensor {
        let length = self.sequence as usize;
        let mut ids = Vec::with_capacity(self.batch as usize * length);
        for _ in 0..self.batch {
            let start = self.random.random_range(0..=self.tokens.len() - length);
            ids.extend_from_slice(&self.tokens[start..start + length]);
        }
        Tensor::from_slice(&ids)
            .view([self.batch, self.sequence])
            .to_device(rank.options.device)
    }
}
