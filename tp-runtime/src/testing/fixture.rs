//! A tiny checkpoint with its reference outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tch::Tensor;

use crate::config;
use crate::model::Inputs;
use crate::optim::AdamWOptions;

/// A tiny checkpoint, and what transformers computes from it.
pub struct Fixture {
    /// The checkpoint's folder.
    pub dir: PathBuf,
    tensors: BTreeMap<String, Tensor>,
}

/// How the reference was trained: `train` of `reference.json`.
#[derive(Deserialize)]
pub(super) struct Training {
    /// The case whose loss falls.
    pub(super) case: String,
    pub(super) steps: usize,
    lr: f64,
    betas: [f64; 2],
    eps: f64,
    weight_decay: f64,
}

impl Training {
    pub(super) fn options(&self) -> AdamWOptions {
        AdamWOptions {
            learning_rate: self.lr,
            beta1: self.betas[0],
            beta2: self.betas[1],
            epsilon: self.eps,
            weight_decay: self.weight_decay,
            ..Default::default()
        }
    }
}

impl Fixture {
    /// The fixture in the folder `dir`.
    ///
    /// # Panics
    /// When its `reference.safetensors` cannot be read.
    pub fn open(dir: impl AsRef<Path>) -> Self {
        let dir = dir.as_ref().to_owned();
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
        self.find(name)
            .unwrap_or_else(|| panic!("{} has no tensor {name}", self.dir.display()))
    }

    /// A reference tensor, if there is one of that name.
    pub fn find(&self, name: &str) -> Option<Tensor> {
        self.tensors.get(name).map(Tensor::shallow_clone)
    }

    /// What the model is given in `group`, such as `even`.
    ///
    /// # Panics
    /// When the group has no `input_ids`.
    pub fn inputs(&self, group: &str) -> Inputs {
        let find = |name| self.find(&format!("{group}/{name}"));
        Inputs {
            attention_mask: find("attention_mask"),
            position_ids: find("position_ids"),
            token_type_ids: find("token_type_ids"),
            pixel_values: find("pixel_values"),
            image_sizes: find("image_sizes"),
            ..Inputs::new(self.tensor(&format!("{group}/input_ids")))
        }
    }

    /// The groups that have a tensor of this name, such as the cases, which have `logits`.
    pub fn groups_with(&self, name: &str) -> BTreeSet<&str> {
        let pairs = self.tensors.keys().filter_map(|key| key.split_once('/'));
        pairs
            .filter(|(_, rest)| *rest == name)
            .map(|(group, _)| group)
            .collect()
    }

    /// The names that start with `prefix`, without it.
    pub fn names_under(&self, prefix: &str) -> Vec<&str> {
        self.tensors
            .keys()
            .filter_map(|name| name.strip_prefix(prefix))
            .collect()
    }

    /// How the reference was trained, if it was.
    pub(super) fn training(&self) -> Option<Training> {
        let _losses = self.find("train/losses")?;
        let facts = config::read(&self.dir.join("reference.json"));
        let training = facts.and_then(|facts| config::parse(&facts["train"]));
        Some(training.unwrap_or_else(|error| {
            panic!("`train` in {}/reference.json: {error}", self.dir.display())
        }))
    }
}
