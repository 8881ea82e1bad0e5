//! Which elements of a contiguous tensor lie in some ranges of one of its dimensions.

use std::borrow::Cow;
use std::ops::Range;

/// A part of a tensor: the indices in some ranges of a dimension, one range after another; or all of it.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    Whole,
    Ranges(usize, &'a [Range<i64>]),
}

impl Part<'_> {
    /// The shape of the part of a tensor of that shape.
    pub(super) fn shape(self, whole: &[i64]) -> Vec<i64> {
        let mut shape = whole.to_vec();
        if let Self::Ranges(dim, ranges) = self {
            shape[dim] = ranges.iter().map(|range| range.end - range.start).sum();
        }
        shape
    }

    /// The bytes of the part of a tensor of that shape: borrowed where they lie in one piece, copied
    /// together where they do not.
    pub(super) fn bytes<'b>(
        self,
        bytes: &'b [u8],
        shape: &[i64],
        element_size: usize,
    ) -> Cow<'b, [u8]> {
        let Self::Ranges(dim, ranges) = self else {
            return Cow::Borrowed(bytes);
        };
        let piece = |run: Range<usize>| &bytes[run.start * element_size..run.end * element_size];
        let pieces: Vec<&[u8]> = runs(shape, dim, ranges).map(piece).collect();
        match pieces[..] {
            [one] => Cow::Borrowed(one),
            _ => Cow::Owned(pieces.concat()),
        }
    }
}

/// The runs of neighbouring elements with indices in `ranges` of dimension `dim`, in the order of a
/// tensor in which the ranges follow one another.
pub(crate) fn runs(
    shape: &[i64],
    dim: usize,
    ranges: &[Range<i64>],
) -> impl Iterator<Item = Range<usize>> {
    let product = |lengths: &[i64]| lengths.iter().product::<i64>() as usize;
    let inner = product(&shape[dim + 1..]);
    let stride = product(&shape[dim..]);
    (0..product(&shape[..dim])).flat_map(move |outer| {
        let start = move |index: i64| outer * stride + index as usize * inner;
        ranges
            .iter()
            .map(move |range| start(range.start)..start(range.end))
    })
}
