//! Faults of ranks and of the collectives between them.

use std::fmt;
use std::time::Duration;

use crate::MeshError;

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong between ranks, or on one of them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A fault of a rank or of a collective.
    #[error(transparent)]
    Comm(#[from] CommError),

    /// A device mesh that does not fit the ranks, or a dimension it does not have.
    #[error(transparent)]
    Mesh(#[from] MeshError),

    /// A tensor operation that libtorch refused.
    #[error(transparent)]
    Torch(#[from] tch::TchError),
}

/// What went wrong in a collective.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommError {
    /// Another rank failed by itself, and the ranks have agreed to stop.
    #[error("{0}")]
    RankFailed(RankFailure),

    /// A rank cannot go on because another one failed.
    #[error("{who} cannot go on: {failure}")]
    PeerFailed {
        /// Who was waiting, and where.
        who: Participant,
        /// What happened to the other rank.
        failure: RankFailure,
    },

    /// A rank waits for one that has already returned.
    #[error(
        "{who} waits for rank {peer}, which has finished without this call: \
         every rank must make the same calls in the same order"
    )]
    PeerLeft {
        /// Who was waiting, and where.
        who: Participant,
        /// The rank that returned.
        peer: usize,
    },

    /// Some ranks did not come in time.
    #[error("{who} gave up after {timeout:?}: {} did not arrive", ranks(missing))]
    TimedOut {
        /// Who was waiting, and where.
        who: Participant,
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
    #[error("{who}: {message}")]
    Argument {
        /// Who made the call.
        who: Participant,
        /// What is wrong with the tensor.
        message: String,
    },

    /// The backend failed, mostly because another rank is gone.
    #[error("{who} failed in {backend} with {}: {message}", ranks(peers))]
    Backend {
        /// Which backend.
        backend: &'static str,
        /// Who made the call.
        who: Participant,
        /// The other ranks of the group.
        peers: Vec<usize>,
        /// The backend's message.
        message: String,
    },

    /// A rank that does not find where the others meet.
    #[error("rank {rank} cannot reach the store at {address}: {message}")]
    Store {
        /// The rank.
        rank: usize,
        /// Where the store should be.
        address: String,
        /// What went wrong.
        message: String,
    },

    /// A process group that cannot be made.
    #[error("rank {rank} cannot make a {backend} process group of {size} ranks: {message}")]
    Connect {
        /// Which backend.
        backend: &'static str,
        /// The rank.
        rank: usize,
        /// How many ranks were to meet.
        size: usize,
        /// What went wrong.
        message: String,
    },
}

/// A rank in a collective, and what the collective is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// The rank, counted in the world.
    pub rank: usize,
    /// The collective, such as `all_reduce`.
    pub collective: &'static str,
    /// What the collective is for, such as `model.layers.3.mlp.down_proj (Rowwise)`.
    pub site: String,
}

impl fmt::Display for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rank,
            collective,
            site,
        } = self;
        write!(f, "rank {rank} in {collective} for `{site}`")
    }
}

/// How a rank failed, as the other ranks are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankFailure {
    /// The rank, counted in the world.
    pub rank: usize,
    /// Whether it panicked instead of returning an error.
    pub panicked: bool,
    /// The text of the error or of the panic.
    pub message: String,
}

impl fmt::Display for RankFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.panicked { "panicked" } else { "failed" };
        write!(f, "rank {} {verb}: {}", self.rank, self.message)
    }
}

/// `rank 1`, or `ranks 1, 2`.
fn ranks(ranks: &[usize]) -> String {
    let list: Vec<String> = ranks.iter().map(usize::to_string).collect();
    let noun = if ranks.len() == 1 { "rank" } else { "ranks" };
    format!("{noun} {}", list.join(", "))
}
