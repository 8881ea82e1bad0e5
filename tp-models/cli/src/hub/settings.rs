//! The variables that huggingface_hub reads, too.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use hf_hub::Cache;

use super::Hub;

const ENDPOINT: &str = "https://huggingface.co";

impl Hub {
    /// The hub as HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN and HF_HUB_OFFLINE have it.
    ///
    /// # Errors
    /// When nothing says where the cache is.
    pub(super) fn of_environment() -> Result<Self> {
        let endpoint = variable("HF_ENDPOINT").unwrap_or(ENDPOINT.to_owned());
        let home =
            home().context("set HF_HOME to the folder for models: there is no home folder")?;
        let cache = variable("HF_HUB_CACHE").map_or(home.join("hub"), PathBuf::from);
        let kept = || fs::read_to_string(home.join("token")).ok();
        let token = variable("HF_TOKEN").or_else(kept);
        let token = token.map(|token| token.trim().to_owned());
        let offline = variable("HF_HUB_OFFLINE").unwrap_or_default();
        let yes = ["1", "on", "yes", "true"];
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            cache: Cache::new(cache),
            token: token.filter(|token| !token.is_empty()),
            is_offline: yes.contains(&offline.to_ascii_lowercase().as_str()),
        })
    }
}

/// Where what belongs to the hub is kept.
fn home() -> Option<PathBuf> {
    let own = variable("HF_HOME").map(PathBuf::from);
    own.or_else(|| {
        let caches = variable("XDG_CACHE_HOME").map(PathBuf::from);
        let caches = caches.or_else(|| Some(env::home_dir()?.join(".cache")))?;
        Some(caches.join("huggingface"))
    })
}

/// A variable that says something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
