//! Models by their names on the Hugging Face Hub: looked up in its cache, and downloaded into it.

mod cached;
mod download;
mod fault;
mod listing;
mod name;
mod settings;
#[cfg(test)]
mod tests;
mod weights;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hf_hub::Cache;
use hf_hub::api::sync::{ApiBuilder, ApiRepo};

use crate::output::note;
use download::Download;
use fault::Fault;
use listing::Listing;
use name::ModelName;

/// What a command needs of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    /// Its config.
    Config,
    /// All but its weights: tokenizer, chat templates and settings, too.
    #[cfg_attr(
        not(any(feature = "torch", test)),
        expect(dead_code, reason = "who tokenizes needs libtorch")
    )]
    Companions,
    /// All that it is run with.
    Checkpoint,
}

/// The path that a text is; where there is none and it reads like `org/name` or `org/name@revision`, the snapshot
/// of that model, downloaded as far as it is needed.
///
/// # Errors
/// When the hub and its cache have no such model, or not all of it.
pub(crate) fn resolve(text: &Path, files: Files) -> Result<PathBuf> {
    let name = text.to_str().and_then(ModelName::parse);
    match name.filter(|_| !text.exists()) {
        Some(name) => Hub::of_environment()?.snapshot(&name, files),
        None => Ok(text.to_owned()),
    }
}

/// The same of what is there already: the hub is not asked.
///
/// # Errors
/// When its cache has no such model, or not all of it.
pub(crate) fn resolve_here(text: &Path, files: Files) -> Result<PathBuf> {
    let name = text.to_str().and_then(ModelName::parse);
    match name.filter(|_| !text.exists()) {
        Some(name) => Hub::of_environment()?.cached(&name, files),
        None => Ok(text.to_owned()),
    }
}

/// The hub, and the folder that keeps what was downloaded from it.
struct Hub {
    endpoint: String,
    cache: Cache,
    token: Option<String>,
    is_offline: bool,
}

impl Hub {
    /// The snapshot of a model, as the hub has it now; as the cache has it where the hub is not reached.
    fn snapshot(&self, name: &ModelName, files: Files) -> Result<PathBuf> {
        if self.is_offline {
            let found = self.cached(name, files);
            return found.context("HF_HUB_OFFLINE is set, and the hub is not asked");
        }
        if name.is_commit()
            && let Ok(dir) = self.cached(name, files)
        {
            return Ok(dir);
        }
        let endpoint = &self.endpoint;
        let repository = self.repository(name)?;
        let listing = match Listing::of(&repository) {
            Err(Fault::Unreachable(why)) => {
                let found = self.cached(name, files);
                let dir = found.with_context(|| format!("{endpoint} gives no answer ({why})"))?;
                note(&format!(
                    "{endpoint} gives no answer ({why}): `{name}` is what the cache has, `{}`",
                    dir.display()
                ));
                return Ok(dir);
            }
            listing => listing.with_context(|| {
                format!(
                    "there is no folder `{name}`, and {endpoint} has no such model for this user"
                )
            })?,
        };
        let download = Download::new(&self.cache, name, &repository, &listing);
        let whole = download.complete(files);
        whole.with_context(|| format!("`{name}` of {endpoint}"))
    }

    /// The snapshot of a model as the cache has it.
    fn cached(&self, name: &ModelName, files: Files) -> Result<PathBuf> {
        let found = cached::snapshot(&self.cache, name, files);
        found.with_context(|| format!("there is no folder `{name}`"))
    }

    fn repository(&self, name: &ModelName) -> Result<ApiRepo> {
        let api = ApiBuilder::from_cache(self.cache.clone())
            .with_endpoint(self.endpoint.clone())
            .with_token(self.token.clone())
            .with_user_agent("tp", env!("CARGO_PKG_VERSION"));
        Ok(api.build()?.repo(name.repo()))
    }
}
