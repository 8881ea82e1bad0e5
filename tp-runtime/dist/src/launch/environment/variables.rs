//! Variables as numbers and text.

use std::str::FromStr;

use super::{Launcher, SetupError, fault};

/// The variables of a process, or of a test.
pub(super) struct Variables<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// The text of a variable, if it is set.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }

    /// The value of a variable, if it is set.
    pub(super) fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, SetupError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.parse() {
            Ok(parsed) => Ok(Some(parsed)),
            Err(_) => Err(fault(format!("`{name}={value}` is not a number in range"))),
        }
    }

    /// The value of a variable that `launcher` sets.
    pub(super) fn required<T: FromStr>(
        &self,
        name: &str,
        launcher: Launcher,
    ) -> Result<T, SetupError> {
        self.optional(name)?.ok_or_else(|| {
            let Launcher {
                program,
                world_size,
                ..
            } = launcher;
            fault(format!(
                "`{name}` is not set, but {world_size} is: start with `{program}` or set it"
            ))
        })
    }

    /// The rank and the number of ranks.
    pub(super) fn place(&self, launcher: Launcher) -> Result<(usize, usize), SetupError> {
        let rank = self.required(launcher.rank, launcher)?;
        let world_size = self.required(launcher.world_size, launcher)?;
        if rank < world_size {
            return Ok((rank, world_size));
        }
        let (rank_name, size_name) = (launcher.rank, launcher.world_size);
        Err(fault(format!(
            "{rank_name}={rank} does not exist when {size_name}={world_size}"
        )))
    }
}
