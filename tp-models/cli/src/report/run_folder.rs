//! The folder of a run, and what is to be known of the run from it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tp_runtime::explain::Explanation;

use super::job::Job;
use super::log::Log;
use crate::model::config;

/// A run as its folder shows it.
pub(super) struct RunFolder {
    pub(super) name: String,
    pub(super) log: Log,
    /// The text of `job.toml`, where there is one.
    pub(super) job: Option<String>,
    /// What its plan makes of its model, or why that is not known.
    pub(super) plan: Result<RunPlan>,
}

/// What the plan of a run makes of its model.
pub(super) struct RunPlan {
    pub(super) report: Explanation,
    /// Whether an adapter is trained, which the report leaves out.
    pub(super) has_adapter: bool,
}

impl RunFolder {
    /// Reads what there is in the folder.
    ///
    /// # Errors
    /// When there is no log, or a file that is there cannot be read.
    pub(super) fn read(dir: &Path) -> Result<Self> {
        ensure!(dir.is_dir(), "`{}` is no folder of a run", dir.display());
        let log = Log::read(&dir.join("log.jsonl"))?;
        let job = text(&dir.join("job.toml"))?;
        let whole = fs::canonicalize(dir)?;
        let name = whole
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let plan = plan(dir, job.as_deref());
        Ok(Self {
            name: name.unwrap_or("run".to_owned()),
            log,
            job,
            plan,
        })
    }
}

/// The text of a file; `None` where there is no file.
fn text(path: &Path) -> Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

fn plan(dir: &Path, job: Option<&str>) -> Result<RunPlan> {
    let job = job.context("there is no `job.toml`, which says how many ranks share the model")?;
    let job = Job::of(job)?;
    Ok(RunPlan {
        report: job.explain(&model_config(dir, &job)?)?,
        has_adapter: job.trains_adapter(),
    })
}

/// The config in the newest checkpoint, or in what the job started from: an adapter's checkpoint has none.
fn model_config(dir: &Path, job: &Job) -> Result<Value> {
    let checkpoint = latest(dir)?;
    let found = match checkpoint.join("config.json").is_file() {
        true => Some(checkpoint),
        false => job.start(),
    };
    let found = found.context(
        "no checkpoint has a `config.json` yet, which says what the model is, \
         and what `job.toml` starts from is not found from here",
    )?;
    config(&found)
}

/// The newest checkpoint, if there is one.
fn latest(dir: &Path) -> Result<PathBuf> {
    let latest = dir.join("latest");
    Ok(match latest.is_file() {
        // Where links are not kept, a file holds the step's name.
        true => dir.join(text(&latest)?.unwrap_or_default().trim()),
        false => latest,
    })
}
