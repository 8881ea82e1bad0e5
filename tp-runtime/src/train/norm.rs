//! Which gradients this rank counts in the norm over all ranks: each element of a model is counted once.

use std::ops::Range;
use std::rc::Rc;

use tch::Tensor;
use tp_plan::Sharding;

use super::unit::Unit;
use crate::Result;
use crate::parallel::ParallelModel;

/// Of what this rank updates, the gradients that no other tensor-parallel rank counts.
pub(super) fn counted_gradients(model: &ParallelModel, units: &[Rc<Unit>]) -> Result<Vec<Tensor>> {
    let (rank, ranks) = (model.group().rank(), model.group().size());
    let parameters = model.parameters();
    let mut gradients = Vec::new();
    for unit in units {
        for run in unit.runs() {
            let param = &unit.params()[run.parameter];
            let Some(named) = parameters
                .iter()
                .find(|named| named.param.is_tied_to(param))
            else {
                continue;
            };
            let gradient = unit.gradient(&run)?;
            for range in counted(&named.sharding, unit.shape(run.parameter), rank, ranks) {
                let start = range.start.max(run.elements.start);
                let end = range.end.min(run.elements.end);
                if start < end {
                    gradients.push(gradient.f_narrow(
                        0,
                        start - run.elements.start,
                        end - start,
                    )?);
                }
            }
        }
    }
    Ok(gradients)
}

/// The elements, in row-major order, that `rank` of `ranks` counts of its part, which has this shape.
fn counted(sharding: &Sharding, shape: &[i64], rank: usize, ranks: usize) -> Vec<Range<i64>> {
    let length = shape.iter().product();
    let Some((dim, partition)) = sharding.split() else {
        return match rank {
            0 => std::iter::once(0..length).collect(),
            _ => Vec::new(),
        };
    };
    let mut own = partition.owned(rank, ranks);
    own.retain(|range| !range.is_empty());
    let inner: i64 = shape[dim + 1..].iter().product();
    let outer: i64 = shape[..dim].iter().product();
    let stride = shape[dim] * inner;
    let mut counted: Vec<Range<i64>> = Vec::new();
    for start in (0..outer).map(|index| index * stride) {
        for range in &own {
            let elements = start + range.start * inner..start + range.end * inner;
            match counted.last_mut() {
                Some(last) if last.end == elements.start => last.end = elements.end,
                _ => counted.push(elements),
            }
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use tp_plan::{HeadShares, Partition, Sharding};

    use super::counted;

    fn split(dim: usize, segments: &[(i64, Option<HeadShares>)]) -> Sharding {
        let partition = Partition::new(segments.iter().copied());
        Sharding::Split { dim, partition }
    }

    const KEYS: HeadShares = HeadShares {
        count: 2,
        queries: 4,
    };

    fn one(range: Range<i64>) -> Vec<Range<i64>> {
        vec![range]
    }

    #[test]
    fn the_first_rank_counts_what_all_hold() {
        assert_eq!(counted(&Sharding::Replicated, &[2, 3], 0, 2), one(0..6));
        assert!(counted(&Sharding::Replicated, &[2, 3], 1, 2).is_empty());
    }

    #[test]
    fn each_rank_counts_its_own_chunk_in_one_run() {
        assert_eq!(counted(&split(0, &[(4, None)]), &[2, 3], 1, 2), one(0..6));
        assert_eq!(counted(&split(1, &[(6, None)]), &[2, 3], 1, 2), one(0..6));
    }

    #[test]
    fn of_heads_that_ranks_share_the_first_of_them_counts() {
        // Two rows of queries to each rank, and one of keys that two ranks hold.
        let fused = split(0, &[(8, None), (2, Some(KEYS))]);
        assert_eq!(counted(&fused, &[3, 5], 0, 4), one(0..15));
        assert_eq!(counted(&fused, &[3, 5], 1, 4), one(0..10));
        let columns = split(1, &[(8, None), (2, Some(KEYS))]);
        let wanted: [Range<i64>; 2] = [0..2, 3..5];
        assert_eq!(counted(&columns, &[2, 3], 1, 4), wanted);
    }
}
