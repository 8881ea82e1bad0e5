//! Lines of stdin, which the first rank reads for all.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use tch::Tensor;
use tp_runtime::comm::ProcessGroup;

use crate::ranks::Rank;

const SITE: &str = "a line of stdin";

/// The lines as every rank gets them.
pub(super) struct Lines {
    /// It has no timeout: people think.
    group: ProcessGroup,
    is_first: bool,
}

impl Lines {
    /// # Errors
    /// When the ranks cannot connect.
    pub(super) fn of(rank: &Rank) -> Result<Self> {
        Ok(Self {
            group: rank.mesh.world().with_timeout(Duration::MAX)?,
            is_first: rank.is_first,
        })
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When it cannot be read, is no UTF-8, or a rank has failed.
    pub(super) fn next(&mut self) -> Result<Option<String>> {
        let read = match self.is_first {
            true => read().context("cannot read stdin"),
            false => Ok(None),
        };
        let line = self.group.agree(read, SITE)?;
        let length = line.as_ref().map_or(-1, |line| line.len() as i64);
        let length = self.share(Tensor::from_slice(&[length]))?.int64_value(&[0]);
        let Ok(length) = usize::try_from(length) else {
            return Ok(None);
        };
        let bytes = line.map_or_else(|| vec![0; length], String::into_bytes);
        let bytes = Vec::<u8>::try_from(self.share(Tensor::from_slice(&bytes))?)?;
        Ok(Some(String::from_utf8(bytes)?))
    }

    fn share(&self, tensor: Tensor) -> Result<Tensor> {
        Ok(self.group.broadcast(tensor, 0, SITE)?)
    }
}

/// A line of stdin, which someone at a terminal is asked for.
fn read() -> io::Result<Option<String>> {
    let at_terminal = io::stdin().is_terminal();
    let mut out = io::stdout();
    if at_terminal {
        out.write_all(b"> ")?;
        out.flush()?;
    }
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? > 0 {
        return Ok(Some(line));
    }
    if at_terminal {
        out.write_all(b"\n")?;
    }
    Ok(None)
}
