//! The folder of a training job: what it saves, and how it goes on after it was killed.
//!
//! ```text
//! DIR/step-100/   the model in the Hugging Face layout,
//!                 optimizer-00000-of-00008.safetensors …, a file by each rank,
//!                 job.json: what else the job goes on with
//! DIR/step-200/
//! DIR/latest      a link to the newest
//! ```
//!
//! A step is written under a hidden name and renamed once every rank has put its files on the disk; only
//! then is `latest` moved, by a rename too. So whatever is killed, and whenever, `latest` leads to a whole
//! step. Optimizer state says where in the whole parameter it lies: it is read on any mesh.
//!
//! ```no_run
//! use std::path::Path;
//! use std::time::Duration;
//!
//! use serde_json::{Value, json};
//! use tp_runtime::job::{JobFolder, PieceState};
//! use tp_runtime::parallel::ParallelModel;
//! # use tp_runtime::{Result, mesh::DeviceMesh};
//!
//! # fn run(model: &ParallelModel, mesh: &DeviceMesh, state: &[PieceState]) -> Result<()> {
//! // The others wait for a rank that writes for as long as it takes.
//! let world = mesh.world().with_timeout(Duration::MAX)?;
//! let folder = JobFolder::open(Path::new("job"), &world)?;
//! if let Some(saved) = folder.latest()? {
//!     let job: Value = saved.job()?;
//!     saved.restore(&model.parameters(), model.group(), state)?;
//!     println!("goes on after step {} with seed {}", saved.step(), job["seed"]);
//! }
//! folder.save(model, 100, &json!({ "seed": 7 }), state)?;
//! # Ok(())
//! # }
//! ```

mod claim;
mod description;
mod folder;
mod names;
mod overlap;
mod piece;
mod place;
mod prune;
mod publish;
mod saved_step;
mod state_reader;
mod state_writer;

pub use crate::error::JobError;
pub use folder::JobFolder;
pub use piece::{Piece, PieceState};
pub use saved_step::SavedStep;
