//! The elementwise functions of MLPs, under their names in configs (transformers `activations.py`).

use serde::{Deserialize, Serialize};

#[cfg(feature = "torch")]
use tch::{TchError, Tensor};

/// The activation of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// `x * sigmoid(x)`
    #[serde(rename = "silu", alias = "swish")]
    Silu,
    /// `x * Φ(x)`, with the normal distribution's Φ.
    #[serde(rename = "gelu")]
    Gelu,
    /// The same with Φ approximated by a hyperbolic tangent.
    #[serde(rename = "gelu_pytorch_tanh", alias = "gelu_new", alias = "gelu_fast")]
    GeluTanh,
    /// `max(x, 0)`
    #[serde(rename = "relu")]
    Relu,
}

#[cfg(feature = "torch")]
impl Activation {
    /// The function of every element.
    ///
    /// # Errors
    /// When libtorch cannot allocate the result.
    pub fn apply(self, x: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Silu => x.f_silu(),
            Self::Gelu => x.f_gelu("none"),
            Self::GeluTanh => x.f_gelu("tanh"),
            Self::Relu => x.f_relu(),
        }
    }
}
