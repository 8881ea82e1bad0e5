//! Both projections of a gated MLP in one: one weight, one matrix product, one layer of a plan.

use tch::Tensor;
use tp_runtime::dtensor::DTensor;
use tp_runtime::module::{ParallelContext, Param};
use tp_runtime::nn::Activation;
use tp_runtime::plan::Placement::{Replicate, Shard};
use tp_runtime::plan::{
    Argument, CustomKind, FEATURES, Makes, ModuleKind, Reads, Rule, SEQUENCE, StyleKind, WHOLE,
};
use tp_runtime::{Result, leaf};

/// What plans may make of a [`GatedProjection`].
pub const GATED_PROJECTION: CustomKind = CustomKind {
    name: "a gated projection",
    rules: &[
        Rule {
            style: Some(StyleKind::Colwise),
            inputs: &[Replicate, SEQUENCE],
            outputs: &[FEATURES, Replicate],
            arguments: &[Argument::Input, Argument::Output],
            reads: Reads::Whole,
            makes: Makes::Placed(FEATURES),
            parameters: &[("weight", Shard(1))],
        },
        Rule {
            reads: Reads::Rows,
            makes: Makes::AsRead,
            ..WHOLE
        },
    ],
};

/// `act(x Wgᵀ) * (x Wuᵀ)`
pub struct GatedProjection {
    /// `[2, intermediate, hidden]`: Wg and Wu.
    weight: Param,
    activation: Activation,
    context: ParallelContext,
}

impl GatedProjection {
    /// A projection of the given sizes, holding no memory yet.
    pub fn new(hidden: i64, intermediate: i64, activation: Activation) -> Self {
        Self {
            weight: Param::new(&[2, intermediate, hidden]),
            activation,
            context: ParallelContext::default(),
        }
    }

    /// Applies the layer.
    ///
    /// # Shapes
    /// `[.., hidden]` → `[.., intermediate]`
    ///
    /// # Errors
    /// When the input is placed otherwise than the row says, or a collective fails.
    pub fn forward(&self, input: &DTensor) -> Result<DTensor> {
        self.context.forward(input, |pass| {
            // [2, I, H], where I is this rank's share
            let weight = pass.parameter(&self.weight)?;
            let share = weight.size()[1];
            let both = weight.f_flatten(0, 1)?;
            let both = pass.input().f_linear(&both, None::<&Tensor>)?;
            let (gate, up) = (
                both.f_narrow(-1, 0, share)?,
                both.f_narrow(-1, share, share)?,
            );
            let gated = self.activation.apply(&gate)?.f_mul(&up)?;
            pass.give(gated, self.weight.shape()[1])
        })
    }
}

leaf!(
    GatedProjection,
    ModuleKind::Custom(&GATED_PROJECTION),
    [weight],
    |layer, _| layer.weight.shape()[1]
);
