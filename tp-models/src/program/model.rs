//! The model that a command is about, and what it is held in.

use std::path::{Path, PathBuf};

#[cfg(feature = "program")]
use anyhow::ensure;
use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::Value;
use tp_runtime::config;
#[cfg(feature = "program")]
use tp_runtime::model::{Model, Task};
use tp_runtime::plan::Mode;

/// The type of parameters and activations.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Dtype {
    F32,
    Bf16,
}

/// The config of a checkpoint's folder, or of a `config.json` itself.
pub(crate) fn config(model: &Path) -> Result<Value> {
    let file: PathBuf = match model.is_dir() {
        true => model.join("config.json"),
        false => model.to_owned(),
    };
    config::read(&file).with_context(|| format!("reading `{}`", file.display()))
}

/// The column of the plan that `--sequence-parallel` asks for.
pub(crate) fn mode(sequence_parallel: bool) -> Mode {
    match sequence_parallel {
        true => Mode::SequenceParallel,
        false => Mode::TensorParallel,
    }
}

/// An error where the model says nothing of next tokens, which `asker` is about.
#[cfg(feature = "program")]
pub(crate) fn require_language_model(model: &dyn Model, asker: &str) -> Result<()> {
    ensure!(
        model.task() == Task::CausalLanguageModelling,
        "{asker} is about next tokens, and `{}` classifies whole texts: `tp eval` gives its scores, loss and gradients",
        model.node().type_name
    );
    Ok(())
}
