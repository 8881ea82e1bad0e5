//! The flags of `tp train`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use tp_runtime::checkpoint::{Checkpoint, Companion};
use tp_runtime::lora::Adapter;
use tp_runtime::optim::{AdamWOptions, Decayed, Schedule, Shape};
use tp_runtime::parallel::ParallelModel;
use tp_runtime::train::{BatchSize, TrainOptions};

use super::corpus::{DataFile, Reading, data_file};
use super::lora::LoraArgs;
use super::rows::RowArgs;
use crate::model::config;
use crate::numbers::{count, not_negative, positive, ratio};
use crate::ranks::{Rank, RankArgs};
use crate::stages::{Recomputed, Stage};

/// Trains a model, or an adapter for it; the same losses on any mesh of ranks
///
/// The first argument may be a file, TOML whose keys are these flags, `tp = 2`, `data = ["chats.jsonl"]`; flags win.
#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("start").required(true).args(["model", "config"])))]
#[command(group(clap::ArgGroup::new("length").required(true).args(["steps", "epochs"])))]
#[command(override_usage = "tp train [JOB.toml] [FLAGS]")]
pub(crate) struct Arguments {
    /// Start from this checkpoint: its folder, or its name on the hub, `org/name` or `org/name@revision`
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<PathBuf>,
    /// Start from random weights with this config.json; tokenizer.json stands beside it, and what else goes with a checkpoint
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// What to learn: a plain text, UTF-8, or rows (.jsonl, .json, .ndjson, .parquet), of which several files may be
    /// given; `FILE=W` sees each row W times in an epoch
    #[arg(long, value_name = "FILE", required = true, value_parser = data_file)]
    pub(super) data: Vec<DataFile>,
    /// How many optimizer steps, those of the job that is resumed among them
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// The same as how often everything is seen; the last step is filled up
    #[arg(long, value_name = "E", value_parser = positive)]
    epochs: Option<f64>,
    /// Sequences in a step, over all ranks
    #[arg(long, value_name = "B", visible_alias = "batch", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub(super) global_batch: u64,
    /// Sequences that a rank computes at once [default: all of its part of the global batch]
    #[arg(long, value_name = "b", value_parser = clap::value_parser!(u64).range(1..=1 << 16))]
    pub(super) micro_batch: Option<u64>,
    /// Tokens in a sequence; of rows, the most
    #[arg(long, value_name = "S", default_value_t = 128, value_parser = clap::value_parser!(u64).range(2..=1 << 24))]
    pub(super) sequence: u64,
    /// Where the weights, the order of the text and the masks of dropout start
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(super) seed: u64,

    /// How many groups of ranks share each step's batch (the data-parallel degree)
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub(super) dp: NonZeroUsize,
    /// What data-parallel ranks divide: 0 nothing, 1 the optimizer's state, 3 the weights, too
    #[arg(long, value_enum, default_value = "1")]
    zero: Stage,
    /// What of each layer is computed again in the backward, and not kept
    #[arg(long, value_enum, default_value = "none")]
    recompute: Recomputed,

    /// The peak learning rate
    #[arg(long, value_name = "RATE", default_value_t = 1e-3, value_parser = positive)]
    learning_rate: f64,
    /// How the learning rate goes after the warm-up
    #[arg(long, value_enum, default_value = "cosine")]
    schedule: Course,
    /// Steps from zero to the peak learning rate [default: a tenth of all]
    #[arg(long, value_name = "K")]
    warmup_steps: Option<u64>,
    /// Steps of `warmup-stable-decay` from the peak to the end [default: a tenth of all]
    #[arg(long, value_name = "K")]
    decay_steps: Option<u64>,
    /// What part of the peak is left at the end of a cosine
    #[arg(long, value_name = "PART", default_value_t = 0.1, value_parser = ratio)]
    min_learning_rate: f64,
    /// AdamW's decoupled weight decay of all but norms and biases
    #[arg(long, value_name = "DECAY", default_value_t = 0.01, value_parser = not_negative)]
    weight_decay: f64,
    /// AdamW's decay of the mean of squared gradients
    #[arg(long, value_name = "BETA", default_value_t = 0.95, value_parser = ratio)]
    beta2: f64,
    /// Clip the gradient's global norm to this
    #[arg(long, value_name = "NORM", default_value_t = 1.0, value_parser = positive)]
    max_norm: f64,

    /// Where the job keeps its checkpoints: `step-N`, and `latest`, which names the newest
    #[arg(long, value_name = "DIR")]
    pub(super) save: Option<PathBuf>,
    /// Save after every so many steps, too, and not at the end alone
    #[arg(long, value_name = "K", requires = "save", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) save_every: Option<u64>,
    /// Keep the newest checkpoints only, so many [default: all]
    #[arg(long, value_name = "N", requires = "save", value_parser = count)]
    pub(super) keep: Option<NonZeroUsize>,
    /// Go on from the newest checkpoint in --save, on any mesh; start where there is none
    #[arg(long, requires = "save")]
    pub(super) resume: bool,

    /// What to measure the loss on, as --data
    #[arg(long, value_name = "FILE", value_parser = data_file)]
    pub(super) validate: Vec<DataFile>,
    /// Measure it after every so many steps, too, and not at the end alone
    #[arg(long, value_name = "K", requires = "validate", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) validate_every: Option<u64>,
    /// Append a line of JSON to this file for every step [default: log.jsonl in --save]
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    /// Check at every step that what several ranks hold is the same on each, bit by bit
    #[arg(long)]
    pub(super) check_replicas: bool,
    /// Read data and config, say what the job would hold and send, and do not train
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) rows: RowArgs,
    #[command(flatten)]
    pub(super) lora: LoraArgs,
    #[command(flatten)]
    pub(super) ranks: RankArgs,
    /// All of this as a job file.
    #[arg(skip)]
    pub(crate) job: String,
}

/// Under the names of transformers, with hyphens.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Course {
    /// It stays
    Constant,
    /// In a line to zero
    Linear,
    /// Half a cosine
    Cosine,
    /// It stays, and ends in half a cosine
    WarmupStableDecay,
}

impl Arguments {
    /// What the model is built from; clap makes sure that it is one of the two.
    pub(super) fn start(&self) -> &Path {
        self.model
            .as_deref()
            .or(self.config.as_deref())
            .unwrap_or(Path::new(""))
    }

    /// The folder of config and tokenizer.
    pub(super) fn folder(&self) -> &Path {
        match &self.model {
            Some(dir) => dir,
            // Where the config is named alone, its folder is this one.
            None => match self.start().parent() {
                Some(dir) if dir != Path::new("") => dir,
                _ => Path::new("."),
            },
        }
    }

    /// How its files are read.
    pub(super) fn reading(&self, is_first: bool) -> Reading<'_> {
        Reading {
            model: self.folder(),
            sequence: self.sequence,
            seed: self.seed,
            rows: &self.rows,
            is_first,
        }
    }

    /// How many steps the job has, of which each sees as many of the `sequences` of an epoch as --global-batch says.
    pub(super) fn total_steps(&self, sequences: usize) -> u64 {
        let of_epochs =
            |epochs: f64| (epochs * sequences as f64 / self.global_batch as f64).ceil() as u64;
        let steps = self.steps.or(self.epochs.map(of_epochs));
        steps.unwrap_or(1).max(1)
    }

    /// Where a line for each step goes.
    pub(super) fn log(&self) -> Option<PathBuf> {
        let beside = || self.save.as_ref().map(|dir| dir.join("log.jsonl"));
        self.log.clone().or_else(beside)
    }

    /// The adapter to start from, if one is trained.
    pub(super) fn adapter(&self) -> Result<Option<Adapter>> {
        let adapter = self.lora.adapter(self.model.as_deref(), self.seed)?;
        ensure!(
            adapter.is_none() || self.model.is_some(),
            "an adapter is of a trained model: give --model and not --config"
        );
        Ok(adapter)
    }

    /// The model to start from.
    pub(super) fn build(&self, rank: &Rank) -> Result<ParallelModel> {
        if let Some(dir) = &self.model {
            let checkpoint = Checkpoint::open(dir)?;
            return Ok(rank.load_with(&checkpoint, self.adapter()?.as_ref())?);
        }
        let config = config(self.start())?;
        let companions = Companion::of(self.folder())?;
        Ok(ParallelModel::initialize(
            &config,
            companions,
            self.seed,
            &rank.mesh,
            rank.options,
        )?)
    }

    pub(super) fn batch_size(&self) -> Result<BatchSize> {
        let (global, ranks) = (self.global_batch as usize, self.dp.get());
        let micro = match self.micro_batch {
            Some(micro) => micro as usize,
            None if global.is_multiple_of(ranks) => global / ranks,
            // Refused below, with what would fit.
            None => 1,
        };
        Ok(BatchSize::new(global, micro, ranks)?)
    }

    pub(super) fn schedule(&self, steps: u64) -> Schedule {
        let minimum = self.min_learning_rate;
        Schedule {
            peak: self.learning_rate,
            warmup_steps: self.warmup_steps.unwrap_or(steps / 10),
            total_steps: steps,
            shape: match self.schedule {
                Course::Constant => Shape::Constant,
                Course::Linear => Shape::Linear,
                Course::Cosine => Shape::Cosine { minimum },
                Course::WarmupStableDecay => Shape::WarmupStableDecay {
                    decay_steps: self.decay_steps.unwrap_or(steps / 10),
                    minimum,
                },
            },
        }
    }

    pub(super) fn adamw(&self) -> AdamWOptions {
        AdamWOptions {
            learning_rate: self.learning_rate,
            beta2: self.beta2,
            weight_decay: self.weight_decay,
            decayed: Decayed::Matrices,
            ..Default::default()
        }
    }

    pub(super) fn options(&self) -> TrainOptions {
        TrainOptions {
            zero: self.zero.into(),
            recompute: self.recompute.into(),
            max_norm: Some(self.max_norm),
            seed: self.seed,
            ..Default::default()
        }
    }
}
