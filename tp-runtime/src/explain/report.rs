//! The whole report, in the form that `--json` gives.

use serde::{Serialize, Serializer};

use super::call::{CollectiveCall, Traffic, Transfer};
use super::heads::{self, HeadReport};
use super::memory::{self, LayerReport, Memory};
use super::view::View;
use super::{CostComparison, Setup, TrainingCosts, flow, loss};
use crate::Result;
use crate::model::Modules;
use crate::plan::{EvenDegrees, Mode, Plan, resolve};

/// What a plan makes of a model.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// What `config.json` calls the model.
    pub architecture: &'static str,
    /// The plan's name.
    pub plan: &'static str,
    /// The name the plan goes by, if it is not the model's default.
    pub alternate: Option<&'static str>,
    /// What was asked.
    #[serde(flatten, serialize_with = "setup")]
    pub setup: Setup,
    /// The rank whose numbers these are: the first of those that hold most.
    pub rank: usize,
    /// The degrees at which every rank has as many attention heads; JSON `null` where none are split.
    #[serde(serialize_with = "degrees")]
    pub even_degrees: EvenDegrees,
    /// Which rank has which attention heads.
    pub heads: Vec<HeadReport>,
    /// All parameters together.
    pub memory: Memory,
    /// Whether the checkpoint stores its weights as FP8, which are held and counted in the dtype of the setup.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_stored_as_fp8: bool,
    /// Bytes of what layers give, sum and gather in one forward, on the rank that holds most; unknown for one rank, which
    /// communicates nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_bytes: Option<u64>,
    /// Every layer, in the model's order.
    pub layers: Vec<LayerReport>,
    /// The collectives of one forward, in the order they are made.
    pub forward: Vec<CollectiveCall>,
    /// The collectives of the loss, between forward and backward.
    pub loss: Vec<CollectiveCall>,
    /// The collectives of one backward, last layer first.
    pub backward: Vec<CollectiveCall>,
    /// What this saves against another plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<CostComparison>,
    /// What a training step costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingCosts>,
}

/// Explains what `plan` makes of `model`.
///
/// ```
/// # use std::num::NonZeroUsize;
/// # use tp_runtime::explain::{explain, Dtype, Setup};
/// # use tp_runtime::{Mode, Plan, model::Modules};
/// # fn show(plan: &'static Plan, model: &dyn Modules) -> tp_runtime::Result<()> {
/// let setup = Setup {
///     degree: NonZeroUsize::MIN,
///     mode: Mode::TensorParallel,
///     batch: 4,
///     sequence: 128,
///     dtype: Dtype::F32,
/// };
/// println!("{}", explain(plan, model, setup)?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`resolve`]; when a module reads what another does not give, naming both; when a struct of
/// the model declares no flow; when there are more bytes than 64 bits can count.
pub fn explain(plan: &'static Plan, model: &dyn Modules, setup: Setup) -> Result<Explanation> {
    let layers = model.layers();
    setup.check_size(&model.parameters())?;
    let ranks = setup.degree.get();
    let resolution = resolve(plan, &layers, setup.mode)?;
    let parameters = resolution.parameters(&layers);
    let view = View::of_fullest(setup, &parameters);
    let reports = memory::layers(&layers, &parameters, &resolution, view);
    let (mut forward, mut backward, mut loss) = (Vec::new(), Vec::new(), Vec::new());
    let mut activation_bytes = None;
    if ranks > 1 {
        let (mut activations, logits) = flow::forward(model.node(), &layers, &resolution, view)?;
        activation_bytes = Some(activations.rank_bytes());
        loss = loss::calls(&mut activations, logits, setup)?;
        let transfers = activations.transfers;
        forward = transfers.iter().filter_map(Transfer::forward).collect();
        backward = transfers
            .iter()
            .rev()
            .filter_map(Transfer::backward)
            .collect();
    }
    Ok(Explanation {
        architecture: model.node().type_name,
        plan: plan.name,
        alternate: plan.alternate,
        setup,
        rank: view.rank,
        even_degrees: EvenDegrees::of(&resolution.heads),
        heads: heads::reports(&resolution.heads, ranks),
        memory: Memory::of(&reports),
        is_stored_as_fp8: false,
        activation_bytes,
        layers: reports,
        forward,
        loss,
        backward,
        comparison: None,
        training: None,
    })
}

impl Explanation {
    /// What one rank communicates in a forward.
    pub fn forward_traffic(&self) -> Traffic {
        Traffic::of(&self.forward)
    }

    /// What one rank communicates in the loss.
    pub fn loss_traffic(&self) -> Traffic {
        Traffic::of(&self.loss)
    }

    /// What one rank communicates in a backward.
    pub fn backward_traffic(&self) -> Traffic {
        Traffic::of(&self.backward)
    }
}

fn setup<S: Serializer>(setup: &Setup, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Fields {
        degree: usize,
        sequence_parallel: bool,
        batch: u64,
        sequence: u64,
        dtype: String,
    }
    Fields {
        degree: setup.degree.get(),
        sequence_parallel: setup.mode == Mode::SequenceParallel,
        batch: setup.batch,
        sequence: setup.sequence,
        dtype: setup.dtype.to_string(),
    }
    .serialize(serializer)
}

fn degrees<S: Serializer>(degrees: &EvenDegrees, serializer: S) -> Result<S::Ok, S::Error> {
    degrees.all().serialize(serializer)
}
