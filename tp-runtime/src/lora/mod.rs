//! Adapters of low rank (LoRA, Hu et al. 2021), in the files of Hugging Face's PEFT.
//!
//! An adapter adds `scale · B A` to the weights of some linear layers, and is what is trained: everything else is
//! frozen. How ranks hold A and B follows from the style of the layer they are attached to, by the table of
//! [rules](crate::plan): no row of a plan names them, and what they add is sent with what the layer itself makes.

#[cfg(feature = "torch")]
mod adapter;
mod attach;
mod config;
mod file;
mod targets;

pub use crate::error::LoraError;
#[cfg(feature = "torch")]
pub use adapter::Adapter;
#[cfg(feature = "torch")]
pub(crate) use adapter::Start;
pub use attach::{attach, check_names};
pub use config::LoraConfig;
#[cfg(feature = "torch")]
pub(crate) use file::CONFIG;
pub use targets::Targets;
