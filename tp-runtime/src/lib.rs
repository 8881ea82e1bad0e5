//! Executes tensor-parallel plans over libtorch.
//!
//! Three steps lead from a model to its parts on several ranks.
//!
//! # 1. A model
//!
//! Structs derive [`Module`]; their fields are named as in the checkpoint. `from_config` makes
//! shapes and no memory; `forward` is the same for any number of ranks.
//!
//! # 2. A plan
//!
//! [`tp_plan!`] is a table: a row per module, with what it does in tensor parallelism left and with
//! sequence parallelism right of the `|`. A row that names no module, or gives one a style that does
//! not fit it, does not compile.
//!
//! ```
//! use std::num::NonZeroUsize;
//!
//! use serde_json::{Value, json};
//! use tp_runtime::explain::{Dtype, Setup, explain};
//! use tp_runtime::model::{self, FromConfig, Model};
//! use tp_runtime::nn::{Embedding, Linear, LinearShape};
//! use tp_runtime::plan::plan_for;
//! use tp_runtime::{Mode, Module, Result, register_model, tp_plan};
//! # #[cfg(feature = "torch")]
//! use tp_runtime::{dtensor::DTensor, model::Inputs, nn::KvCache};
//!
//! #[derive(Module)]
//! #[flow(embed -> up -> down -> head)]
//! struct Bigram {
//!     embed: Embedding,
//!     up: Linear,
//!     down: Linear,
//!     head: Linear,
//! }
//!
//! impl FromConfig for Bigram {
//!     fn from_config(_: &Value) -> Result<Self> {
//!         Ok(Self {
//!             embed: Embedding::new(100, 16, None),
//!             up: Linear::new(LinearShape::new(16, 64)),
//!             down: Linear::new(LinearShape::new(64, 16)),
//!             head: Linear::new(LinearShape::new(16, 100)),
//!         })
//!     }
//! }
//!
//! impl Model for Bigram {
//!     fn vocabulary_size(&self) -> i64 {
//!         100
//!     }
//!
//! #   #[cfg(feature = "torch")]
//!     fn forward(&self, inputs: &Inputs, _: Option<&mut KvCache>) -> Result<DTensor> {
//!         let x = self.embed.forward(&inputs.input_ids)?;
//!         let up = self.up.forward(&x)?;
//!         let active = up.map("relu", up.shape(), |local| local.f_relu())?;
//!         self.head.forward(&self.down.forward(&active)?)
//!     }
//! }
//!
//! register_model!(Bigram);
//!
//! tp_plan! {
//!     /// Hidden features and vocabulary split over the ranks.
//!     BIGRAM for Bigram;
//!     "embed" => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
//!     "up"    => Colwise                | Colwise(input: Shard(1)),
//!     "down"  => Rowwise                | Rowwise(output: Shard(1)),
//!     "head"  => Colwise                | Colwise(input: Shard(1)),
//! }
//!
//! # fn main() -> Result<()> {
//! // What the plan makes of the model, worked out from shapes alone.
//! let model = model::build(&json!({ "architectures": ["Bigram"] }))?;
//! let setup = Setup {
//!     degree: NonZeroUsize::MIN.saturating_add(1),
//!     mode: Mode::TensorParallel,
//!     batch: 1,
//!     sequence: 8,
//!     dtype: Dtype::F32,
//! };
//! let explanation = explain(plan_for::<Bigram>()?, &*model, setup)?;
//! // The embedding's and `down`'s terms are summed; so are the gradients of what `up` and `head` read.
//! assert_eq!((explanation.forward.len(), explanation.backward.len()), (2, 2));
//! # Ok(())
//! # }
//! ```
//!
//! # 3. Ranks
//!
//! `launch` runs a closure on every rank: on threads, or on the processes that `torchrun` starts. Every
//! rank makes the same calls with the same inputs.
//!
//! ```no_run
//! # #[cfg(feature = "torch")]
//! # fn run() -> tp_runtime::Result<()> {
//! use serde_json::json;
//! use tch::Tensor;
//! use tp_runtime::prelude::*;
//!
//! let loss = launch(&Launch::new(2), |rank| -> Result<f64> {
//!     let mesh = rank.mesh(&[("tp", rank.world_size())])?;
//!     // `ParallelModel::from_pretrained` reads a checkpoint's folder instead.
//!     let config = json!({ "architectures": ["Bigram"] });
//!     let model = ParallelModel::from_config(config).load(&mesh)?;
//!     let ids = Tensor::from_slice(&[1_i64, 2, 3, 4]).unsqueeze(0);
//!     let loss = model.loss(&Inputs::new(ids.shallow_clone()), &ids)?;
//!     // Each rank now has its part of every gradient.
//!     loss.f_backward()?;
//!     Ok(loss.double_value(&[]))
//! })?;
//! println!("{loss}");
//! # Ok(())
//! # }
//! # fn main() {}
//! ```
//!
//! # Without libtorch
//!
//! Without the default feature `torch` this crate holds what a plan *is* ([`plan`]), what a model
//! *looks like* ([`module`], [`model`]) and [`explain`](mod@explain): enough to write, check and
//! explain plans with no libtorch installed.

// Lets `::tp_runtime::…`, which the macros emit, name this crate from inside it too.
extern crate self as tp_runtime;

#[cfg(feature = "torch")]
pub mod checkpoint;
pub mod config;
mod data_parallel;
pub mod dropout;
#[cfg(feature = "torch")]
pub mod dtensor;
pub mod error;
pub mod explain;
#[cfg(feature = "torch")]
pub mod generate;
pub mod inputs;
pub mod interop;
#[cfg(feature = "torch")]
pub mod job;
pub mod lora;
#[cfg(feature = "torch")]
pub mod loss;
pub mod model;
pub mod module;
pub mod nn;
#[cfg(feature = "torch")]
pub mod optim;
#[cfg(feature = "torch")]
pub mod parallel;
pub mod plan;
pub mod prelude;
#[cfg(feature = "testing")]
pub mod testing;
pub mod train;

pub use error::{Error, Result};
pub use module::Module;
pub use plan::{Mode, Placement, Plan, Style};
#[cfg(feature = "torch")]
pub use tp_dist::{self as comm, autograd, memory, mesh};
pub use tp_macros::{assert_shards, tp_plan};

/// What the macros' expansions name; no part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::module::{LeafField, check_leaf};
    pub use inventory;
}
