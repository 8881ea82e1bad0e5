//! Dropout (Srivastava et al. 2014) whose masks are the same on any mesh.
//!
//! Whether an element is dropped is no draw from a generator's state but a function of what it is: of the
//! [key](DropoutKey) of the forward, the layer that made it, and its indices in the whole tensor. Each rank works
//! it out for its own part.

#[cfg(feature = "torch")]
mod current;
#[cfg(feature = "torch")]
mod key;
#[cfg(feature = "torch")]
mod mask;
mod probability;
#[cfg(feature = "torch")]
mod splitmix;
#[cfg(all(test, feature = "torch"))]
mod tests;

#[cfg(feature = "torch")]
pub use key::DropoutKey;
pub use probability::Dropout;
