//! The flags every sharded run shares, and the run itself.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use tch::Kind;
use tp_runtime::comm::{BackendKind, DeviceKind, Launch, RankContext, launch};
use tp_runtime::config;
use tp_runtime::mesh::DeviceMesh;
use tp_runtime::parallel::ParallelOptions;
use tp_runtime::plan::plan_named;

use super::model::{Dtype, config, mode};
use super::numbers::count;

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
    /// What carries the collectives [default: local; gloo under torchrun]
    #[arg(long, value_enum)]
    backend: Option<Backend>,
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
enum Backend {
    /// Threads of this process over shared memory
    Local,
    /// libtorch's Gloo
    Gloo,
    /// libtorch's NCCL, a GPU per rank
    Nccl,
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

impl RankArgs {
    /// Runs `body` on every rank; `dir` or config file `model` names the architecture of `--plan`.
    pub(crate) fn run(&self, model: &Path, body: impl Fn(Rank) -> Result<()> + Sync) -> Result<()> {
        let plan = match &self.plan {
            Some(name) => {
                let config = config(model)?;
                Some(plan_named(config::architecture(&config)?, name)?)
            }
            None => None,
        };
        let mode = mode(self.sequence_parallel);
        let kind = match self.dtype {
            Dtype::F32 => Kind::Float,
            Dtype::Bf16 => Kind::BFloat16,
        };
        let job = Launch {
            backend: self.backend.map(|backend| match backend {
                Backend::Local => BackendKind::Local,
                Backend::Gloo => BackendKind::Gloo,
                Backend::Nccl => BackendKind::Nccl,
            }),
            timeout: Duration::from_secs(self.timeout),
            threads_per_rank: self.threads.map(NonZeroUsize::get),
            device: match self.device {
                Device::Cpu => DeviceKind::Cpu,
                Device::Cuda => DeviceKind::Cuda,
            },
            ..Launch::new(self.tp.get())
        };
        let run = |context: RankContext| {
            let options = ParallelOptions {
                mode,
                plan,
                kind,
                device: context.device,
            };
            let is_first = context.rank() == 0;
            let mesh = DeviceMesh::new(context.world, &[("tp", self.tp.get())])?;
            // The whole chain of causes, since only its text crosses from a rank to the job.
            body(Rank {
                mesh,
                options,
                is_first,
            })
            .map_err(|error| anyhow::anyhow!("{error:#}"))
        };
        Ok(launch(&job, run)?)
    }
}
