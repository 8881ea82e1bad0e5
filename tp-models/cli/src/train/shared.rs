//! What the ranks of a process read once.

use std::sync::{Arc, Mutex};

use anyhow::{Result, bail};

use super::corpus::{Corpus, DataFile};

/// Files that were opened, which the ranks of a process share.
#[derive(Default)]
pub(super) struct Shared(Mutex<Vec<(Vec<DataFile>, Arc<Corpus>)>>);

impl Shared {
    /// What `open` makes of these files, once for all ranks of this process.
    pub(super) fn get(
        &self,
        files: &[DataFile],
        open: impl FnOnce() -> Result<Corpus>,
    ) -> Result<Arc<Corpus>> {
        let Ok(mut known) = self.0.lock() else {
            bail!("another rank failed while it read the data");
        };
        if let Some((_, corpus)) = known.iter().find(|(other, _)| other == files) {
            return Ok(corpus.clone());
        }
        let corpus = Arc::new(open()?);
        known.push((files.to_vec(), corpus.clone()));
        Ok(corpus)
    }
}
