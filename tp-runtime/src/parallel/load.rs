//! From a checkpoint into a model: built as the config says, and once more where the weights say otherwise.

use serde_json::Value;
use tch::Tensor;

use super::{ParallelModel, ParallelOptions};
use crate::checkpoint::{self, Checkpoint, CheckpointError, Finding, LoadReport};
use crate::comm::ReduceOp;
use crate::lora::Adapter;
use crate::mesh::DeviceMesh;
use crate::{Error, Result};

/// The field that ties the head to the embedding.
const TIE: &str = "tie_word_embeddings";

impl ParallelModel {
    /// Builds the model a checkpoint names, applies its plan, and reads this rank's part of the weights.
    ///
    /// A head that the config ties to the embedding, and that is stored with other values, is not tied, as in
    /// transformers. A head that the checkpoint lacks starts from random numbers if [`Model::fresh_head`] says
    /// so. [`LoadReport::findings`] tells of both.
    ///
    /// [`Model::fresh_head`]: crate::model::Model::fresh_head
    ///
    /// # Errors
    /// Before any weight is read when plan, config and mesh do not fit; on every rank when any rank
    /// cannot read its part.
    pub fn load(
        checkpoint: &Checkpoint,
        mesh: &DeviceMesh,
        options: ParallelOptions,
    ) -> Result<(Self, LoadReport)> {
        Self::load_with(checkpoint, None, mesh, options)
    }

    /// [`Self::load`], and an adapter for the model; everything else is frozen.
    ///
    /// # Errors
    /// As [`Self::load`], and when the adapter does not fit the model.
    pub fn load_with(
        checkpoint: &Checkpoint,
        adapter: Option<&Adapter>,
        mesh: &DeviceMesh,
        options: ParallelOptions,
    ) -> Result<(Self, LoadReport)> {
        let mut parallel = Self::build(checkpoint.config(), adapter, mesh, options)?;
        let mut loaded = parallel.read(checkpoint);
        let differs = matches!(loaded, Err(CheckpointError::Tied { .. }));
        if parallel.on_any_rank(differs)? {
            let ties = parallel.ties();
            parallel = Self::build(&untied(checkpoint.config()), adapter, mesh, options)?;
            loaded = parallel.read(checkpoint).map(|mut report| {
                report.findings.extend(ties);
                report
            });
        }
        let mut report = parallel
            .world
            .agree(loaded.map_err(Error::from), "loading")?;
        if let Some(adapter) = adapter {
            report.findings.extend(parallel.start_adapter(adapter)?);
        }
        parallel.require_gradients()?;
        parallel.findings.clone_from(&report.findings);
        Ok((parallel, report))
    }

    /// This rank's part of the weights, and the files beside them.
    fn read(&mut self, checkpoint: &Checkpoint) -> Result<LoadReport, CheckpointError> {
        self.companions = checkpoint.companions()?;
        let (own, _) = self.without_adapter();
        checkpoint::load(checkpoint, &own, &self.load_options())
    }

    /// Whether it is so on one of the ranks, each of which has seen its own part.
    fn on_any_rank(&self, here: bool) -> Result<bool> {
        let here = Tensor::from_slice(&[i64::from(here)]);
        let anywhere = (self.world).all_reduce(here, ReduceOp::Max, "comparing tied weights")?;
        Ok(anywhere.int64_value(&[0]) != 0)
    }

    /// The parameters that have several names.
    fn ties(&self) -> Vec<Finding> {
        let tied = self.parameters().into_iter();
        tied.filter(|named| !named.tied.is_empty())
            .map(|named| Finding::Untied {
                name: named.name,
                others: named.tied,
            })
            .collect()
    }
}

/// The config of the same model with a head of its own.
fn untied(config: &Value) -> Value {
    let mut config = config.clone();
    config[TIE] = Value::from(false);
    if let Some(tie) = config.pointer_mut(&format!("/text_config/{TIE}")) {
        *tie = Value::from(false);
    }
    config
}
