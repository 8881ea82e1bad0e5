//! Which elements of a contiguous tensor lie in a range of one of its dimensions.

use std::borrow::Cow;
use std::ops::Range;

/// The runs of neighbouring elements with indices `range` in dimension `dim`, in order.
pub(super) fn runs(
    shape: &[i64],
    dim: usize,
    range: Range<i64>,
) -> impl ExactSizeIterator<Item = Range<usize>> + use<> {
    let product = |lengths: &[i64]| lengths.iter().product::<i64>() as usize;
    let inner = product(&shape[dim + 1..]);
    let stride = product(&shape[dim..]);
    let run = range.start as usize * inner..range.end as usize * inner;
    (0..product(&shape[..dim]))
        .map(move |outer| outer * stride + run.start..outer * stride + run.end)
}

/// The bytes of the elements with indices `range` in dimension `dim`.
///
/// Borrowed where they lie in one piece, copied together where they do not.
pub(super) fn chunk_bytes<'a>(
    bytes: &'a [u8],
    shape: &[i64],
    dim: usize,
    range: Range<i64>,
    element_size: usize,
) -> Cow<'a, [u8]> {
    let piece = |run: Range<usize>| &bytes[run.start * element_size..run.end * element_size];
    let mut runs = runs(shape, dim, range);
    if runs.len() == 1 {
        return Cow::Borrowed(runs.next().map_or(&[][..], piece));
    }
    Cow::Owned(runs.map(piece).collect::<Vec<_>>().concat())
}
