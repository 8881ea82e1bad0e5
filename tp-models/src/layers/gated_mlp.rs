//! The gated MLP (Shazeer 2020; transformers `LlamaMLP`).

use tp_runtime::Module;
use tp_runtime::nn::{Activation, Linear, LinearShape};

#[cfg(feature = "torch")]
use {tp_runtime::Result, tp_runtime::dtensor::DTensor};

/// Two projections, one through an activation that gates the other, and one back.
#[derive(Module)]
#[flow(gate_proj, up_proj -> down_proj)]
pub struct GatedMlp {
    #[module(weight = [intermediate_size, hidden_size])]
    gate_proj: Linear,
    #[module(weight = [intermediate_size, hidden_size])]
    up_proj: Linear,
    #[module(weight = [hidden_size, intermediate_size])]
    down_proj: Linear,
    #[module(skip)]
    activation: Activation,
}

impl GatedMlp {
    /// From `hidden` features over `intermediate` ones and back.
    pub fn new(hidden: i64, intermediate: i64, activation: Activation, bias: bool) -> Self {
        let linear = |from, to| Linear::new(LinearShape::new(from, to).bias(bias));
        Self {
            gate_proj: linear(hidden, intermediate),
            up_proj: linear(hidden, intermediate),
            down_proj: linear(intermediate, hidden),
            activation,
        }
    }

    /// `[.., hidden]` → `[.., hidden]`
    ///
    /// # Errors
    /// When the layouts of the plan's rows do not meet, or a collective fails.
    #[cfg(feature = "torch")]
    pub fn forward(&self, x: &DTensor) -> Result<DTensor> {
        let gate = self.gate_proj.forward(x)?;
        let up = self.up_proj.forward(x)?;
        self.down_proj
            .forward(&self::gate(self.activation, &gate, &up)?)
    }
}

/// `up` by what `activation` makes of `gate`, feature by feature.
#[cfg(feature = "torch")]
pub(crate) fn gate(activation: Activation, gate: &DTensor, up: &DTensor) -> Result<DTensor> {
    gate.zip(up, "a gated activation", |gate, up| {
        activation.apply(&gate)?.f_mul(&up)
    })
}
