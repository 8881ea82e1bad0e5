//! What the first rank says on stdout for all.

use std::io::{self, ErrorKind, Write};

use anyhow::Result;
use tch::Tensor;

use crate::ranks::Rank;

/// Stdout on the first rank; the others say nothing.
pub(super) struct Speech {
    is_first: bool,
    /// What became of stdout: the other ranks need this one until all end.
    failure: Option<io::Error>,
}

impl Speech {
    pub(super) fn of(rank: &Rank) -> Self {
        Self {
            is_first: rank.is_first,
            failure: None,
        }
    }

    /// Says `text` at once.
    pub(super) fn say(&mut self, text: &str) {
        if self.is_first && self.failure.is_none() {
            let mut out = io::stdout();
            let said = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            self.failure = said.err();
        }
    }

    /// Whether stdout still takes anything, the same on every rank.
    ///
    /// # Errors
    /// When the ranks cannot tell each other.
    pub(super) fn is_heard(&self, rank: &Rank) -> Result<bool> {
        let own = Tensor::from_slice(&[i64::from(self.failure.is_none())]);
        let first = rank
            .mesh
            .world()
            .broadcast(own, 0, "whether anyone reads")?;
        Ok(first.int64_value(&[0]) == 1)
    }

    /// # Errors
    /// When stdout took not all; a reader that has enough, such as `head`, is no failure.
    pub(super) fn end(self) -> Result<()> {
        match self.failure {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }
}
