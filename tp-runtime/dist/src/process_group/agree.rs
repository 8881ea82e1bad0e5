//! Ranks that tell each other how they fared.

use std::fmt::Display;

use tch::Tensor;

use super::ProcessGroup;
use crate::{CommError, Error, RankFailure, Result};

impl ProcessGroup {
    /// Lets every rank know how all of them fared: gives this rank's value if none failed.
    ///
    /// # Errors
    /// On a rank that failed, its own error where it is the first of them, or where the ranks cannot
    /// communicate; else the first failed rank with its message, or what keeps the ranks apart.
    pub fn agree<T, E>(&self, outcome: Result<T, E>, site: &str) -> Result<T, E>
    where
        E: Display + From<Error>,
    {
        if self.size() == 1 {
            return outcome;
        }
        let message = outcome.as_ref().err().map(ToString::to_string);
        match self.first_failure(message, site) {
            Ok(None) => outcome,
            Ok(Some(failure)) if failure.rank == self.number() => outcome,
            Ok(Some(failure)) => {
                self.0.job.disturb(self.number());
                Err(Error::from(CommError::RankFailed(failure)).into())
            }
            // What this rank failed with says more than that it cannot tell the others.
            Err(error) => outcome.and(Err(error.into())),
        }
    }

    /// The first rank with a message.
    fn first_failure(&self, message: Option<String>, site: &str) -> Result<Option<RankFailure>> {
        // A space marks a failure that has no words.
        let own = message.map_or(String::new(), |message| message + " ");
        let length = Tensor::from_slice(&[own.len() as i64]);
        let lengths = self.all_gather(&length, 0, self.size() as i64, site)?;
        let lengths = Vec::<i64>::try_from(lengths)?;
        let Some(failed) = lengths.iter().position(|&length| length > 0) else {
            return Ok(None);
        };
        let mut text = vec![0; lengths[failed] as usize];
        if failed == self.rank() {
            text.copy_from_slice(own.as_bytes());
        }
        let text = self.broadcast(Tensor::from_slice(&text), failed, site)?;
        let text = Vec::<u8>::try_from(text)?;
        Ok(Some(RankFailure {
            rank: self.ranks()[failed],
            panicked: false,
            message: String::from_utf8_lossy(&text).trim_end().to_owned(),
        }))
    }
}
