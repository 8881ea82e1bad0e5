//! Where a piece lies in the whole parameter, whatever the ranks held of it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{JobError, PieceState};
use crate::checkpoint::runs;
use crate::comm::ProcessGroup;
use crate::module::ShardedParam;

/// Where a piece lies in the whole parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The parameter's name.
    pub(super) parameter: String,
    /// The shape of the whole parameter.
    pub(super) shape: Vec<i64>,
    /// What the rank held of it; all, if it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<Held>,
    /// The elements, in row-major order of what the rank held.
    pub(super) elements: Range<i64>,
}

/// A rank's part of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    /// The dimension that is split.
    pub(super) dim: usize,
    /// The indices held, one range after another.
    pub(super) ranges: Vec<Range<i64>>,
}

/// Elements that are neighbours both in a piece and in the whole parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    /// Where they start in the piece.
    pub(super) start: usize,
    /// Where they lie in the whole parameter.
    pub(super) whole: Range<usize>,
}

impl Place {
    /// That of this rank's piece.
    ///
    /// # Errors
    /// When the rank holds no such piece, or a tensor of it has other than its elements.
    pub(super) fn of(
        params: &[ShardedParam<'_>],
        group: &ProcessGroup,
        state: &PieceState,
    ) -> Result<Self, JobError> {
        let named = &params[state.piece.parameter];
        let (rank, ranks) = (group.rank(), group.size());
        let shape = named.param.shape();
        let held = named.sharding.split().map(|(dim, partition)| Held {
            dim,
            ranges: partition.ranges(rank, ranks),
        });
        let place = Self {
            parameter: named.name.clone(),
            shape: shape.to_vec(),
            held,
            elements: state.piece.elements.clone(),
        };
        let lengths = state
            .tensors
            .iter()
            .map(|(_, tensor)| tensor.numel() as i64);
        let misfit = lengths.clone().find(|&length| length != place.length());
        if misfit.is_some() || !place.is_sound() {
            return Err(JobError::Piece {
                parameter: place.parameter,
                start: place.elements.start,
                end: place.elements.end,
                length: misfit.or(lengths.min()).unwrap_or(0),
                held: named
                    .sharding
                    .local_shape(shape, rank, ranks)
                    .iter()
                    .product(),
            });
        }
        Ok(place)
    }

    /// How many elements the piece has.
    pub(super) fn length(&self) -> i64 {
        self.elements.end - self.elements.start
    }

    /// Whether ranges lie inside one another as they should; a file may say anything.
    pub(super) fn is_sound(&self) -> bool {
        let within = |range: &Range<i64>, length: i64| {
            0 <= range.start && range.start <= range.end && range.end <= length
        };
        let whole: i64 = self.shape.iter().product();
        let held = match &self.held {
            None => whole,
            Some(Held { dim, ranges }) => {
                let Some(&length) = self.shape.get(*dim) else {
                    return false;
                };
                let ascend = ranges.is_sorted_by(|a, b| a.end <= b.start);
                if !ascend || !ranges.iter().all(|range| within(range, length)) {
                    return false;
                }
                let held: i64 = ranges.iter().map(|range| range.end - range.start).sum();
                whole / length.max(1) * held
            }
        };
        within(&self.elements, held)
    }

    /// The piece as spans, which ascend in the piece and in the whole parameter alike.
    pub(super) fn spans(&self) -> Vec<Span> {
        let elements = self.elements.start as usize..self.elements.end as usize;
        let held: Vec<Range<usize>> = match &self.held {
            None => std::iter::once(0..elements.end).collect(),
            Some(Held { dim, ranges }) => runs(&self.shape, *dim, ranges).collect(),
        };
        let mut spans = Vec::new();
        let mut position = 0;
        for run in held {
            let first = position.max(elements.start);
            let end = (position + run.len()).min(elements.end);
            if first < end {
                let whole = run.start + first - position..run.start + end - position;
                spans.push(Span {
                    start: first - elements.start,
                    whole,
                });
            }
            position += run.len();
        }
        spans
    }
}
