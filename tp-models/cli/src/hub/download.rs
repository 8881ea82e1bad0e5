//! Files of a model from the hub into the cache.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use hf_hub::Cache;
use hf_hub::api::sync::ApiRepo;
use indicatif::ProgressBar;

use super::Files;
use super::fault::Fault;
use super::listing::Listing;
use super::name::ModelName;
use super::weights::{INDEX, WEIGHTS, shards};
use crate::output::note;

/// What a model lacks in the cache.
pub(super) struct Download<'a> {
    cache: &'a Cache,
    name: &'a ModelName,
    repository: &'a ApiRepo,
    listing: &'a Listing,
    snapshot: PathBuf,
    /// Held from the first file that is missing, so that processes wait for each other's downloads.
    lock: Option<File>,
}

impl<'a> Download<'a> {
    pub(super) fn new(
        cache: &'a Cache,
        name: &'a ModelName,
        repository: &'a ApiRepo,
        listing: &'a Listing,
    ) -> Self {
        let snapshot = cache.repo(name.repo()).pointer_path(&listing.sha);
        Self {
            cache,
            name,
            repository,
            listing,
            snapshot,
            lock: None,
        }
    }

    /// Completes the snapshot, and gives its folder.
    ///
    /// # Errors
    /// When the model lacks a file that is needed, or one cannot be had.
    pub(super) fn complete(mut self, files: Files) -> Result<PathBuf> {
        ensure!(
            self.listing.has("config.json"),
            "it has no `config.json`: it is no model in the layout of transformers"
        );
        for file in self.listing.companions(files) {
            self.fetch(file)?;
        }
        if files == Files::Checkpoint {
            self.weights()?;
        }
        self.point()?;
        Ok(self.snapshot)
    }

    fn weights(&mut self) -> Result<()> {
        if self.listing.has(WEIGHTS) {
            return self.fetch(WEIGHTS);
        }
        ensure!(
            self.listing.has(INDEX),
            "it has neither `{WEIGHTS}` nor `{INDEX}`: its weights are in a format that is not read"
        );
        self.fetch(INDEX)?;
        for shard in shards(&self.snapshot.join(INDEX))? {
            ensure!(
                self.listing.has(&shard),
                "its `{INDEX}` names `{shard}`, which it does not have"
            );
            self.fetch(&shard)?;
        }
        Ok(())
    }

    /// Lets the revision lead to the snapshot, as it may have moved since the cache last saw it.
    fn point(&self) -> Result<()> {
        let repository = self.cache.repo(self.name.repo());
        let is_pointed = repository.get("config.json") == Some(self.snapshot.join("config.json"));
        if is_pointed || self.name.is_commit() {
            return Ok(());
        }
        let pointed = repository.create_ref(&self.listing.sha);
        pointed.with_context(|| format!("cannot write to `{}`", self.cache.path().display()))
    }

    /// Downloads a file unless it is there.
    fn fetch(&mut self, file: &str) -> Result<()> {
        let path = self.snapshot.join(file);
        if path.exists() {
            return Ok(());
        }
        self.lock()?;
        if path.exists() {
            return Ok(());
        }
        let downloaded = match file.ends_with(".safetensors") {
            true => (self.repository).download_with_progress(file, ProgressBar::new(0)),
            false => self.repository.download_with_progress(file, ()),
        };
        let blobs = self.cache.path().join(self.name.repo().folder_name());
        let found = downloaded.map_err(Fault::from);
        let found = found.with_context(|| format!("`{file}` into `{}`", blobs.display()))?;
        ensure!(
            found == path,
            "`{}` changed on the hub while it was downloaded: run this again",
            self.name
        );
        self.check_size(file, &path)
    }

    /// Removes a file that is not as long as the hub says.
    fn check_size(&self, file: &str, path: &Path) -> Result<()> {
        let blob = fs::canonicalize(path)?;
        let found = fs::metadata(&blob)?.len();
        match self.listing.size(file) {
            Some(size) if size != found => {
                fs::remove_file(path)?;
                fs::remove_file(blob)?;
                bail!("`{file}` came with {found} bytes and not {size}: run this again")
            }
            _ => Ok(()),
        }
    }

    fn lock(&mut self) -> Result<()> {
        if self.lock.is_some() {
            return Ok(());
        }
        let folder = self.cache.path().join(".locks");
        let path = folder.join(self.name.repo().folder_name()).join("tp.lock");
        let wait = || -> std::io::Result<File> {
            fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            let file = File::create(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    note(&format!(
                        "waiting for another process, which downloads `{}`",
                        self.name
                    ));
                    file.lock()?;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            Ok(file)
        };
        let file = wait().with_context(|| format!("cannot lock `{}`", path.display()))?;
        self.lock = Some(file);
        Ok(())
    }
}
