//! The model that a command is about, and what it is held in.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

#[cfg(feature = "torch")]
use anyhow::ensure;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;
use tp_runtime::config;
use tp_runtime::explain::{self, Setup};
#[cfg(feature = "torch")]
use tp_runtime::model::Task;
use tp_runtime::model::{Model, build, model_for};
use tp_runtime::plan::{Mode, Node};

use super::hub::{Files, resolve};

/// The type of parameters and activations.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Dtype {
    F32,
    Bf16,
}

impl From<Dtype> for explain::Dtype {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::Bf16 => Self::Bf16,
        }
    }
}

/// The config of a checkpoint's folder, or of a `config.json` itself.
pub(crate) fn config(model: &Path) -> Result<Value> {
    let file: PathBuf = match model.is_dir() {
        true => model.join("config.json"),
        false => model.to_owned(),
    };
    config::read(&file).with_context(|| format!("reading `{}`", file.display()))
}

/// A model by its name, and with sizes where a config gives them.
pub(crate) struct Subject {
    /// Its type.
    pub(crate) node: &'static Node,
    /// Its shapes.
    pub(crate) model: Option<Box<dyn Model>>,
    /// What its config says, where there is one.
    pub(crate) config: Value,
}

impl Subject {
    /// The model of a folder, of a `config.json`, of a name on the hub, or of the name of an architecture.
    pub(crate) fn of(text: &str) -> Result<Self> {
        let path = Path::new(text);
        if !path.exists() && path.extension().is_none() && !text.contains('/') {
            return Self::named(text);
        }
        let config = config(&resolve(path, Files::Config)?)?;
        let model = build(&config)?;
        Ok(Self {
            node: model.node(),
            model: Some(model),
            config,
        })
    }

    /// The model of that architecture, of any size.
    pub(crate) fn named(architecture: &str) -> Result<Self> {
        Ok(Self {
            node: model_for(architecture)?.node(),
            model: None,
            config: Value::Null,
        })
    }
}

/// The batch that costs are worked out for.
#[derive(clap::Args, Debug)]
pub(crate) struct SetupArgs {
    /// Sequences in a batch
    #[arg(long, value_name = "B", visible_alias = "micro-batch", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1 << 16))]
    pub(crate) batch: u64,

    /// Tokens in a sequence
    #[arg(long, value_name = "S", default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    sequence: u64,

    /// What parameters and activations are held in [default: what the config says]
    #[arg(long, value_enum)]
    dtype: Option<Dtype>,
}

impl SetupArgs {
    /// This batch on so many ranks, of the model that `config` is of, and why it is of that type.
    ///
    /// # Errors
    /// When neither a flag nor the config gives a type that can be counted.
    pub(crate) fn setup(
        &self,
        degree: NonZeroUsize,
        mode: Mode,
        config: &Value,
    ) -> Result<(Setup, Option<String>)> {
        let (dtype, reason) = match self.dtype {
            Some(dtype) => (dtype.into(), None),
            None => dtype_of(config).map(|(dtype, reason)| (dtype, Some(reason)))?,
        };
        let setup = Setup {
            degree,
            mode,
            batch: self.batch,
            sequence: self.sequence,
            dtype,
        };
        Ok((setup, reason))
    }
}

/// The type that a config gives its weights, and where it says so.
///
/// # Errors
/// When it is one that is not counted here.
fn dtype_of(config: &Value) -> Result<(explain::Dtype, String)> {
    use explain::Dtype::{Bf16, F32};
    let fields = [
        "/dtype",
        "/torch_dtype",
        "/text_config/dtype",
        "/text_config/torch_dtype",
    ];
    let named = fields.into_iter().find_map(|field| {
        let name = config.pointer(field)?.as_str()?;
        Some((field[1..].replace('/', "."), name))
    });
    let Some((field, name)) = named else {
        let reason = "f32, for the config gives no `dtype`; --dtype says otherwise";
        return Ok((F32, reason.to_owned()));
    };
    let (dtype, remark) = match name.strip_prefix("torch.").unwrap_or(name) {
        "float32" => (F32, ""),
        "bfloat16" => (Bf16, ""),
        "float16" => (Bf16, ", which has as many bits"),
        _ => bail!("the config's `{field}` is `{name}`: give --dtype f32 or --dtype bf16"),
    };
    let reason =
        format!("{dtype}, for the config's `{field}` is `{name}`{remark}; --dtype says otherwise");
    Ok((dtype, reason))
}

/// The column of the plan that `--sequence-parallel` asks for.
pub(crate) fn mode(sequence_parallel: bool) -> Mode {
    match sequence_parallel {
        true => Mode::SequenceParallel,
        false => Mode::TensorParallel,
    }
}

/// An error where the model says nothing of next tokens, which `asker` is about.
#[cfg(feature = "torch")]
pub(crate) fn require_language_model(model: &dyn Model, asker: &str) -> Result<()> {
    ensure!(
        model.task() == Task::CausalLanguageModelling,
        "{asker} is about next tokens, and `{}` classifies whole texts: `tp eval` gives its scores, loss and gradients",
        model.node().type_name
    );
    Ok(())
}
