//! What an optimizer keeps on one rank.

use std::ops::Range;

use tch::Tensor;

/// Neighbouring elements of a rank's part of one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The parameter, as an index into [`ParallelModel::parameters`](crate::parallel::ParallelModel::parameters).
    pub parameter: usize,
    /// The elements, in row-major order of the rank's part.
    pub elements: Range<i64>,
}

/// What an optimizer keeps of a piece.
#[derive(Debug)]
pub struct PieceState {
    /// The piece.
    pub piece: Piece,
    /// Tensors of as many elements, by name, such as `exp_avg`.
    pub tensors: Vec<(String, Tensor)>,
}
