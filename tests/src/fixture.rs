//! Committed checkpoints with their reference outputs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tch::Tensor;

/// A tiny checkpoint, and what transformers computes from it.
pub struct Fixture {
    /// The checkpoint's folder.
    pub dir: PathBuf,
    tensors: HashMap<String, Tensor>,
}

impl Fixture {
    /// The fixture `tests/fixtures/<name>`.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn open(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(name);
        let reference = dir.join("reference.safetensors");
        let tensors = match Tensor::read_safetensors(&reference) {
            Ok(tensors) => tensors.into_iter().collect(),
            Err(error) => panic!("cannot read {}: {error}", reference.display()),
        };
        Self { dir, tensors }
    }

    /// A reference tensor, such as `even/logits`.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn tensor(&self, name: &str) -> Tensor {
        match self.tensors.get(name) {
            Some(tensor) => tensor.shallow_clone(),
            None => panic!("{} has no tensor {name}", self.dir.display()),
        }
    }

    /// The names that start with `prefix`, without it.
    pub fn names_under(&self, prefix: &str) -> Vec<&str> {
        self.tensors
            .keys()
            .filter_map(|name| name.strip_prefix(prefix))
            .collect()
    }
}
