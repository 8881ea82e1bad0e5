//! What the integration tests share: fixtures, and the comparison with what transformers computed.

#[cfg(feature = "torch")]
pub mod compare;
#[cfg(feature = "torch")]
pub mod fixture;
#[cfg(feature = "torch")]
pub mod parity;
#[cfg(feature = "torch")]
pub mod ranks;
