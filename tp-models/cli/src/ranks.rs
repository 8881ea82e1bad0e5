//! The flags every sharded run shares, and the run itself.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use anyhow::{Error, Result};
use clap::{Args, ValueEnum};
use serde_json::Value;
use tch::Kind;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::comm::backend::{self, UnknownBackend};
use tp_runtime::comm::{DeviceKind, Launch, RankContext, launch};
use tp_runtime::explain::{self, Setup};
use tp_runtime::lora::Adapter;
use tp_runtime::mesh::DeviceMesh;
use tp_runtime::model::model_of;
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::plan::{Plan, plan_for_architecture, plan_named};

use super::model::{Dtype, config, mode};
use super::numbers::count;
use super::output::message;

/// How a model is spread over ranks.
#[derive(Args, Clone, Debug)]
pub(crate) struct RankArgs {
    /// How many ranks share the model (the tensor-parallel degree)
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    tp: NonZeroUsize,
    /// Split the activations between blocks over the sequence, too
    #[arg(long)]
    sequence_parallel: bool,
    /// An alternate plan of the model by its name, see `tp plans`
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    #[arg(long, value_name = "NAME", value_parser = backend_name, help = backend_help())]
    backend: Option<&'static str>,
    /// What the ranks compute on
    #[arg(long, value_enum, default_value = "cpu")]
    device: Device,
    /// The type of parameters and activations
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Dtype,
    /// libtorch's threads per rank [default: cores / ranks]
    #[arg(long, value_name = "T", value_parser = count)]
    threads: Option<NonZeroUsize>,
    /// Seconds a rank waits for the others
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Device {
    Cpu,
    Cuda,
}

/// One rank of a run.
pub(crate) struct Rank {
    pub(crate) mesh: DeviceMesh,
    pub(crate) options: ParallelOptions,
    /// Whether this rank speaks and writes for all.
    pub(crate) is_first: bool,
}

impl Rank {
    /// This rank's part of a checkpoint's model; what is to be known of the checkpoint goes to stderr.
    pub(crate) fn load(&self, checkpoint: &Checkpoint) -> tp_runtime::Result<ParallelModel> {
        self.load_with(checkpoint, None)
    }

    /// The same with an adapter.
    pub(crate) fn load_with(
        &self,
        checkpoint: &Checkpoint,
        adapter: Option<&Adapter>,
    ) -> tp_runtime::Result<ParallelModel> {
        let loaded = ParallelModel::load_with(checkpoint, adapter, &self.mesh, self.options);
        let (model, report) = loaded?;
        if self.is_first {
            for finding in report.findings {
                eprintln!("note: {finding}");
            }
        }
        Ok(model)
    }
}

impl RankArgs {
    /// The type of parameters and activations, as its flag has it.
    pub(crate) fn dtype(&self) -> &'static str {
        match self.dtype {
            Dtype::F32 => "f32",
            Dtype::Bf16 => "bf16",
        }
    }

    /// The plan of the model that a config is of.
    pub(crate) fn plan_of(&self, config: &Value) -> Result<&'static Plan> {
        let architecture = model_of(config)?.architecture();
        Ok(match &self.plan {
            Some(name) => plan_named(architecture, name)?,
            None => plan_for_architecture(architecture)?,
        })
    }

    /// What these ranks make of batches of `batch` sequences of `sequence` tokens, to be explained.
    pub(crate) fn setup(&self, batch: u64, sequence: u64) -> Setup {
        Setup {
            degree: self.tp,
            mode: mode(self.sequence_parallel),
            batch,
            sequence,
            dtype: match self.dtype {
                Dtype::F32 => explain::Dtype::F32,
                Dtype::Bf16 => explain::Dtype::Bf16,
            },
        }
    }

    /// Runs `body` on every rank; `dir` or config file `model` names the architecture of `--plan`.
    ///
    /// There are `dp` groups of tensor-parallel ranks, which are given other batches; one where a command has
    /// no such flag.
    pub(crate) fn run<T: Send>(
        &self,
        dp: Option<NonZeroUsize>,
        model: &Path,
        body: impl Fn(Rank) -> Result<T> + Sync,
    ) -> Result<T> {
        let plan = match &self.plan {
            Some(_) => Some(self.plan_of(&config(model)?)?),
            None => None,
        };
        let mode = mode(self.sequence_parallel);
        let kind = match self.dtype {
            Dtype::F32 => Kind::Float,
            Dtype::Bf16 => Kind::BFloat16,
        };
        let tp = ("tp", self.tp.get());
        let mesh: Vec<_> = dp
            .map(|dp| ("dp", dp.get()))
            .into_iter()
            .chain([tp])
            .collect();
        let job = Launch {
            backend: self.backend,
            timeout: Duration::from_secs(self.timeout),
            threads_per_rank: self.threads.map(NonZeroUsize::get),
            device: match self.device {
                Device::Cpu => DeviceKind::Cpu,
                Device::Cuda => DeviceKind::Cuda,
            },
            ..Launch::on_mesh(&mesh)
        };
        let run = |context: RankContext| {
            let options = ParallelOptions {
                mode,
                plan,
                kind,
                device: context.device,
                ..Default::default()
            };
            let is_first = context.rank() == 0;
            let mesh = context.mesh(&[("dp", dp.map_or(1, NonZeroUsize::get)), tp])?;
            // As one text: what tells of a rank's failure has no place for causes.
            body(Rank {
                mesh,
                options,
                is_first,
            })
            .map_err(|error| Error::msg(message(&error)))
        };
        Ok(launch(&job, run)?)
    }
}

fn backend_name(name: &str) -> Result<&'static str, UnknownBackend> {
    backend::named(name).map(|backend| backend.name)
}

fn backend_help() -> String {
    let names: Vec<&str> = backend::all().iter().map(|backend| backend.name).collect();
    let names = names.join(", ");
    format!(
        "What carries the collectives: {names} [default: local between threads, gloo between processes]"
    )
}
