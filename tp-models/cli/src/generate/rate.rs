//! How fast tokens came.

use super::rows::Told;
use crate::output::note;
use crate::ranks::Rank;

/// Tokens, and the time they took.
#[derive(Default)]
pub(super) struct Rate {
    tokens: u64,
    seconds: f64,
}

impl Rate {
    /// Adds what was told side by side.
    pub(super) fn add(&mut self, told: &[Told]) {
        self.tokens += told.iter().map(|told| told.tokens).sum::<u64>();
        self.seconds += told.iter().map(|told| told.seconds).fold(0.0, f64::max);
    }

    /// Says so on stderr, once for all ranks.
    pub(super) fn note(&self, rank: &Rank) {
        let Self { tokens, seconds } = self;
        if rank.is_first && *tokens > 0 {
            let rate = *tokens as f64 / seconds;
            note(&format!(
                "{tokens} new tokens in {seconds:.2} s, {rate:.1} tok/s"
            ));
        }
    }
}
