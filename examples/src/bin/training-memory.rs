//! The memory of a training step: what `explain` says, what libtorch's allocator sees, and what the process
//! takes; one row of a table. `examples/bench/training_memory.sh` makes the table.

use std::num::{NonZeroU64, NonZeroUsize};

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};
use tp_models as _;
use tp_runtime::explain::{Dtype, Setup, TrainingMemory, TrainingSetup, explain_training};
use tp_runtime::memory::measure;
use tp_runtime::mesh::DeviceMesh;
use tp_runtime::model;
use tp_runtime::plan::plan_for_architecture;
use tp_runtime::prelude::*;
use tp_runtime::train::{MicroBatch, Recompute, TrainOptions, Trainer, Zero};

/// Trains a model of random weights for three steps and prints one row.
#[derive(Clone, Copy, Parser)]
struct Arguments {
    #[arg(long, default_value_t = 1)]
    dp: usize,
    #[arg(long, default_value_t = 1)]
    tp: usize,
    #[arg(long)]
    sequence_parallel: bool,
    /// The stage: 0, 1 or 3
    #[arg(long, default_value_t = 1)]
    zero: u8,
    /// Run each layer again in the backward
    #[arg(long)]
    recompute: bool,
    #[arg(long)]
    bf16: bool,
    /// Sequences in a micro-batch, of which a step has two
    #[arg(long, default_value_t = 4)]
    batch: u64,
    #[arg(long, default_value_t = 128)]
    sequence: u64,
}

/// A Llama of 26 million parameters.
fn config() -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 8000, "hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 6,
        "num_attention_heads": 8, "num_key_value_heads": 4,
    })
}

const ACCUMULATION: u64 = 2;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let said = arguments.explain()?;
    let before = status("VmRSS")?;
    let ranks = arguments.dp * arguments.tp;
    let (state, seen) = launch(&Launch::new(ranks), |rank| arguments.measure(rank))?;
    let process = (status("VmHWM")? - before) / ranks as u64;
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    let off = 100.0 * (said.peak as f64 / seen as f64 - 1.0);
    println!(
        "| {} | {} | {} | {} | {off:+.1} % | {} |",
        arguments.name(),
        mib(state),
        mib(said.peak),
        mib(seen),
        mib(process)
    );
    Ok(())
}

impl Arguments {
    fn name(self) -> String {
        let kind = if self.bf16 { "bf16" } else { "f32" };
        let sp = if self.sequence_parallel { " SP" } else { "" };
        let recompute = if self.recompute { "full" } else { "none" };
        let Self { dp, tp, zero, .. } = self;
        format!("{dp} x {tp}{sp} | {kind} | {zero} | {recompute}")
    }

    fn mode(self) -> Mode {
        match self.sequence_parallel {
            true => Mode::SequenceParallel,
            false => Mode::TensorParallel,
        }
    }

    fn options(self) -> TrainOptions {
        TrainOptions {
            zero: match self.zero {
                0 => Zero::Replicas,
                1 => Zero::Optimizer,
                _ => Zero::Parameters,
            },
            recompute: match self.recompute {
                true => Recompute::Full,
                false => Recompute::None,
            },
            ..TrainOptions::default()
        }
    }

    /// What a rank holds, from shapes alone.
    fn explain(self) -> Result<TrainingMemory> {
        let model = model::build(&config())?;
        let plan = plan_for_architecture(model.node().type_name)?;
        let ranks = |count| NonZeroUsize::new(count).context("a mesh has ranks");
        let setup = Setup {
            degree: ranks(self.tp)?,
            mode: self.mode(),
            batch: self.batch,
            sequence: self.sequence,
            dtype: if self.bf16 { Dtype::Bf16 } else { Dtype::F32 },
        };
        let training = TrainingSetup {
            data_ranks: ranks(self.dp)?,
            accumulation: NonZeroU64::new(ACCUMULATION).context("a step has micro-batches")?,
            options: self.options(),
        };
        Ok(explain_training(plan, &*model, setup, training)?.memory)
    }

    /// Bytes that a rank has allocated before a step, and the most it has in one.
    fn measure(self, rank: RankContext) -> Result<(u64, u64)> {
        let mesh = rank.mesh(&[("dp", self.dp), ("tp", self.tp)])?;
        let (trainer, state) = measure(rank.device, || self.trainer(&mesh))?;
        let mut trainer = trainer?;
        let batches = self.batches(trainer.model().vocabulary_size());
        step(&mut trainer, &batches)?;
        mesh.world().barrier("the first step")?;
        // From here on, `VmHWM` is that of steps alone.
        std::fs::write("/proc/self/clear_refs", "5")?;
        let (steps, bytes) = measure(rank.device, || {
            step(&mut trainer, &batches)?;
            step(&mut trainer, &batches)
        })?;
        steps?;
        let held = u64::try_from(state.held)?;
        Ok((held, held + u64::try_from(bytes.peak)?))
    }

    fn trainer(self, mesh: &DeviceMesh) -> Result<Trainer> {
        let kind = if self.bf16 {
            Kind::BFloat16
        } else {
            Kind::Float
        };
        let model = ParallelModel::from_config(config())
            .mode(self.mode())
            .kind(kind)
            .load(mesh)?;
        Ok(Trainer::new(model, mesh, self.options(), |parts| {
            AdamW::of_parts(parts, AdamWOptions::default())
        })?)
    }

    fn batches(self, vocabulary: i64) -> Vec<MicroBatch> {
        let shape = [self.batch as i64, self.sequence as i64];
        let ids = Tensor::arange(shape[0] * shape[1], (Kind::Int64, Device::Cpu)) * 7919;
        let ids = ids.remainder(vocabulary).view(shape);
        let batch = |_| MicroBatch {
            inputs: Inputs::new(ids.shallow_clone()),
            labels: ids.shallow_clone(),
        };
        (0..ACCUMULATION).map(batch).collect()
    }
}

fn step(trainer: &mut Trainer, batches: &[MicroBatch]) -> Result<()> {
    trainer.backward(batches)?;
    Ok(trainer.update(1e-4)?)
}

/// A size of this process, in bytes.
fn status(name: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .with_context(|| format!("no {name} in /proc"))?;
    Ok(kib.parse::<u64>()? * 1024)
}
