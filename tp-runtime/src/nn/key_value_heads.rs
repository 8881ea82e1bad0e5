//! Which key-value heads the queries of a rank read (Ainslie et al. 2023).

use std::ops::Range;

use tch::{TchError, Tensor};

use crate::Result;
use crate::dtensor::{DTensor, ShapeError};

/// The dimension of heads in `[batch, sequence, heads, head_dim]`.
const HEADS: usize = 2;

/// How many of this rank's queries read each of the key-value heads that it holds.
///
/// # Errors
/// On every rank when one of them holds other heads than its queries read.
pub(super) fn readers(queries: &DTensor, keys: &DTensor) -> Result<Vec<i64>> {
    let heads = |tensor: &DTensor| match *tensor.shape() {
        [_, _, heads, _] => Ok(heads),
        _ => Err(tensor.dimensions("attention", "[batch, sequence, heads, head_dim]")),
    };
    let (count, held) = (heads(queries)?, heads(keys)?);
    if held < 1 || count % held != 0 {
        let producer = keys.producer().to_string();
        return Err(ShapeError::HeadGroups {
            producer,
            count,
            held,
        }
        .into());
    }
    let group = count / held;
    for rank in 0..queries.group().size() {
        let (own, held) = (queries.range_of(HEADS, rank), keys.range_of(HEADS, rank));
        let read = own.start / group..(own.end + group - 1) / group;
        if read != held && !own.is_empty() {
            let producer = keys.producer().to_string();
            return Err(ShapeError::KeyValueHeads {
                producer,
                rank,
                held,
                read,
            }
            .into());
        }
    }
    let own = queries.range(HEADS);
    let of_head = |head: i64| overlap(&own, &(head * group..(head + 1) * group));
    Ok(keys.range(HEADS).map(of_head).collect())
}

/// `heads` with each head once for every query that reads it, so that they fit queries one by one.
///
/// # Shapes
/// `[batch, key-value heads, sequence, head_dim]` → `[batch, queries, sequence, head_dim]`
pub(super) fn for_each_query(heads: &Tensor, readers: &[i64]) -> Result<Tensor, TchError> {
    let repeated = (0..).zip(readers).map(|(head, readers)| {
        heads
            .f_narrow(1, head, 1)?
            .f_expand([-1, *readers, -1, -1], false)
    });
    Tensor::f_cat(&repeated.collect::<Result<Vec<_>, _>>()?, 1)
}

/// What `attend` makes of all heads: at once where as many queries read each key-value head, else of one run
/// of such heads after another, none of which is copied.
///
/// # Shapes
/// `[batch, queries, new, head_dim]` and twice `[batch, key-value heads, positions, head_dim]` →
/// `[batch, queries, new, head_dim]`
pub(super) fn in_groups(
    [q, k, v]: [&Tensor; 3],
    readers: &[i64],
    attend: impl Fn([&Tensor; 3], bool) -> Result<Tensor, TchError>,
) -> Result<Tensor, TchError> {
    let (mut head, mut query) = (0, 0);
    let mut mixed = Vec::new();
    for run in readers.chunk_by(|one, next| one == next) {
        let (heads, queries) = (run.len() as i64, run.iter().sum());
        if heads == k.size()[1] {
            return attend([q, k, v], queries != heads);
        }
        let q = q.f_narrow(1, query, queries)?;
        let (k, v) = (k.f_narrow(1, head, heads)?, v.f_narrow(1, head, heads)?);
        mixed.push(attend([&q, &k, &v], queries != heads)?);
        (head, query) = (head + heads, query + queries);
    }
    Tensor::f_cat(&mixed, 1)
}

fn overlap(one: &Range<i64>, other: &Range<i64>) -> i64 {
    (one.end.min(other.end) - one.start.max(other.start)).max(0)
}
