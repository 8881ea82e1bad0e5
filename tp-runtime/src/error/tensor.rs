//! What a distributed tensor cannot be, and what libtorch refuses to make of one.

use tch::TchError;
use tp_plan::Placement;

/// A shape that does not fit.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    /// A rank's part of another shape than its placement makes it.
    #[error(
        "`{producer}` gives rank {rank} a part of shape {found:?}, but rank {rank}'s part of {shape:?} \
         placed `{placement}` is {wanted:?}"
    )]
    Part {
        /// The module that made it.
        producer: String,
        /// The rank, counted in the tensor's group.
        rank: usize,
        /// The shape of the part.
        found: Vec<i64>,
        /// The shape of the whole tensor.
        shape: Vec<i64>,
        /// How the tensor is placed.
        placement: Placement,
        /// The shape that the part should have.
        wanted: Vec<i64>,
    },
    /// A dimension that is split and that the tensor does not have.
    #[error(
        "`{producer}` gives a tensor of shape {shape:?}, which has no dimension to be `{placement}`"
    )]
    Dimension {
        /// The module that made it.
        producer: String,
        /// The shape of the whole tensor.
        shape: Vec<i64>,
        /// How it would be placed.
        placement: Placement,
    },
    /// Features that are not made of heads of a width.
    #[error(
        "`{producer}` gives {width} features, which are no heads of {head_dim}: \
         split heads by a number above zero that divides them"
    )]
    Heads {
        /// The module that made it.
        producer: String,
        /// How many features there are.
        width: i64,
        /// The width of a head.
        head_dim: i64,
    },
    /// Queries that do not share key-value heads evenly.
    #[error(
        "`{producer}` gives {held} key-value heads for {count} queries: give a divisor of {count}"
    )]
    HeadGroups {
        /// The module that made the keys.
        producer: String,
        /// How many queries there are.
        count: i64,
        /// How many key-value heads.
        held: i64,
    },
    /// A rank with other key-value heads than its queries read.
    #[error(
        "`{producer}` gives rank {rank} the key-value heads {held:?}, but its queries read {read:?}: \
         say in its shape how many queries read them, with `key_value_heads`"
    )]
    KeyValueHeads {
        /// The module that made the keys.
        producer: String,
        /// The rank.
        rank: usize,
        /// The heads that it has.
        held: std::ops::Range<i64>,
        /// The heads that its queries read.
        read: std::ops::Range<i64>,
    },
    /// A tensor without the dimensions that an operation works on.
    #[error("{operation} needs a tensor of shape {wanted}, and `{producer}` gives {found:?}")]
    Dimensions {
        /// What was to be computed.
        operation: &'static str,
        /// The module that made it.
        producer: String,
        /// The shape of the whole tensor.
        found: Vec<i64>,
        /// The shape it should have.
        wanted: &'static str,
    },
    /// More positions than there are, or none.
    #[error("the last {asked} positions are asked for of the {length} that `{producer}` gives")]
    Positions {
        /// The module that made it.
        producer: String,
        /// How many were asked for.
        asked: i64,
        /// How many there are.
        length: i64,
    },
}

/// A tensor operation that libtorch refused on one rank, such as one for which memory is short.
#[derive(Debug, thiserror::Error)]
#[error("rank {rank} in `{module}`: {}", message(.cause))]
pub struct TensorError {
    /// The module that computed.
    pub module: String,
    /// The rank, counted in the world.
    pub rank: usize,
    /// What libtorch says.
    pub cause: TchError,
}

/// What libtorch says, without where in its own source it gave up.
fn message(cause: &TchError) -> String {
    let text = cause.to_string();
    let ends = ["\nException raised from", "\nframe #"].into_iter();
    let end = ends.filter_map(|trace| text.find(trace)).min();
    text[..end.unwrap_or(text.len())].to_owned()
}
