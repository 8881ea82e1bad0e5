//! What the integration tests share: fixtures, and the comparison with what transformers computed.

pub mod compare;
pub mod fixture;
pub mod parity;
