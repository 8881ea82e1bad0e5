//! Faults of ranks and of the collectives between them.

use std::fmt;
use std::time::Duration;

/// Where a rank is: in which collective, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The rank.
    pub rank: usize,
    /// The collective, such as `all_reduce`.
    pub collective: &'static str,
    /// What the collective is for, such as `model.layers.3.mlp.down_proj (Rowwise)`.
    pub site: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "rank {} in {} for `{}`",
            self.rank, self.collective, self.site
        )
    }
}

/// How a rank ended when it did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rank, counted in the world.
    pub rank: usize,
    /// Whether it panicked instead of returning an error.
    pub panicked: bool,
    /// The text of the error or of the panic.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.panicked { "panicked" } else { "failed" };
        write!(f, "rank {} {verb}: {}", self.rank, self.message)
    }
}

/// What went wrong among the ranks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommError {
    /// A rank failed by itself: the cause of all that follows.
    #[error("{0}")]
    RankFailed(Failure),

    /// A rank cannot go on because another one failed.
    #[error("{place} cannot go on: {failure}")]
    PeerFailed {
        /// Who was waiting, and where.
        place: Place,
        /// What happened to the other rank.
        failure: Failure,
    },

    /// A rank waits for one that has already returned.
    #[error(
        "{place} waits for rank {peer}, which has finished without this call: \
         every rank must make the same calls in the same order"
    )]
    PeerLeft {
        /// Who was waiting, and where.
        place: Place,
        /// The rank that returned.
        peer: usize,
    },

    /// Some ranks did not come in time.
    #[error("{place} gave up after {timeout:?}: {} did not arrive", ranks(missing))]
    TimedOut {
        /// Who was waiting, and where.
        place: Place,
        /// The ranks that are missing.
        missing: Vec<usize>,
        /// How long the rank waited.
        timeout: Duration,
    },

    /// Two ranks made different calls at the same point.
    #[error(
        "two ranks disagree on a collective: {ours}, but {theirs}: \
         every rank must make the same calls in the same order"
    )]
    Mismatch {
        /// One call.
        ours: String,
        /// The other.
        theirs: String,
    },

    /// A tensor that the collective cannot take.
    #[error("{place}: {message}")]
    Argument {
        /// Who made the call.
        place: Place,
        /// What is wrong with the tensor.
        message: String,
    },

    /// libtorch's own process group failed.
    #[error("{place} failed in {backend}: {message}")]
    Backend {
        /// Which backend.
        backend: &'static str,
        /// Who made the call.
        place: Place,
        /// libtorch's message.
        message: String,
    },

    /// A process group that cannot be made.
    #[error("rank {rank} cannot make a {backend} process group of {size} ranks: {message}")]
    Setup {
        /// Which backend.
        backend: &'static str,
        /// The rank.
        rank: usize,
        /// How many ranks were to meet.
        size: usize,
        /// What went wrong.
        message: String,
    },

    /// Launch options that this process cannot follow.
    #[error("{0}")]
    Launch(String),
}

/// `rank 1`, or `ranks 1, 2`.
fn ranks(ranks: &[usize]) -> String {
    let list: Vec<String> = ranks.iter().map(usize::to_string).collect();
    format!(
        "rank{} {}",
        if ranks.len() == 1 { "" } else { "s" },
        list.join(", ")
    )
}
