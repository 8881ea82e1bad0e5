//! How much is dropped, and dropping it.

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;

#[cfg(feature = "torch")]
use {
    super::DropoutKey,
    crate::Result,
    crate::dtensor::DTensor,
    tch::{TchError, Tensor},
};

/// The probability that an element is dropped, as a config has it; null is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Option<f64>", into = "f64")]
pub struct Dropout(f64);

impl Dropout {
    /// Nothing is dropped.
    pub const NONE: Self = Self(0.0);

    /// A dropout of this probability.
    ///
    /// # Errors
    /// When it is negative, or would leave nothing.
    pub fn new(probability: f64) -> Result<Self, ConfigError> {
        match (0.0..1.0).contains(&probability) {
            true => Ok(Self(probability)),
            false => Err(ConfigError::Dropout { probability }),
        }
    }

    /// The probability.
    pub fn probability(self) -> f64 {
        self.0
    }
}

impl TryFrom<Option<f64>> for Dropout {
    type Error = ConfigError;

    fn try_from(probability: Option<f64>) -> Result<Self, ConfigError> {
        probability.map_or(Ok(Self::NONE), Self::new)
    }
}

impl From<Dropout> for f64 {
    fn from(dropout: Dropout) -> Self {
        dropout.0
    }
}

#[cfg(feature = "torch")]
impl Dropout {
    /// `x` with some elements dropped, and the others scaled so that the mean stays; `x` itself without a key,
    /// which training forwards alone have.
    ///
    /// The mask goes by the layer that made `x`: what one layer makes is dropped once.
    ///
    /// # Shapes
    /// `[batch, sequence, features]` → the same
    ///
    /// # Errors
    /// When `x` is `Partial` or of other dimensions.
    pub fn apply(self, x: &DTensor, key: Option<&DropoutKey>) -> Result<DTensor> {
        let Some(key) = self.key(key) else {
            return Ok(x.clone());
        };
        if x.shape().len() != 3 {
            return Err(x.dimensions("dropout", "[batch, sequence, features]"));
        }
        let dropped = key.dropped_features(self, x)?;
        x.map("dropout", x.shape(), |local| self.drop(&local, &dropped))
    }

    /// The key, where it is of use.
    pub(crate) fn key(self, key: Option<&DropoutKey>) -> Option<&DropoutKey> {
        key.filter(|_| self != Self::NONE)
    }

    /// `x` without the elements that are `dropped`.
    pub(crate) fn drop(self, x: &Tensor, dropped: &Tensor) -> Result<Tensor, TchError> {
        x.f_masked_fill(dropped, 0.0)?
            .f_mul_scalar_(1.0 / (1.0 - self.0))
    }
}
