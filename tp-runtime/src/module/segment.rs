//! The parts of a fused layer, such as queries, keys and values of one projection.

use super::Heads;
use tp_plan::{HeadShares, Partition};

/// Neighbouring output features of a fused layer that other layers would have to themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What plans call it, such as `q`.
    pub name: &'static str,
    /// How many features it has.
    pub length: i64,
    /// The heads it is made of.
    pub heads: Option<Heads>,
}

impl Segment {
    /// Features that split anywhere.
    pub fn features(name: &'static str, length: i64) -> Self {
        Self {
            name,
            length,
            heads: None,
        }
    }

    /// Features of `count` heads, a number the config calls `field`; no shard cuts one.
    pub fn heads(name: &'static str, length: i64, count: i64, field: &'static str) -> Self {
        Self::of(name, length, HeadShares::of_queries(count), field)
    }

    /// Features of `count` key-value heads, which `queries` heads read: a rank holds those of its queries.
    pub fn key_value_heads(
        name: &'static str,
        length: i64,
        count: i64,
        queries: i64,
        field: &'static str,
    ) -> Self {
        Self::of(name, length, HeadShares { count, queries }, field)
    }

    /// How ranks divide these segments, one after another, each by itself.
    pub(crate) fn partition(segments: &[Self]) -> Partition {
        Partition::new(segments.iter().map(|segment| {
            let heads = segment.heads.as_ref();
            (segment.length, heads.map(|heads| heads.shares))
        }))
    }

    fn of(name: &'static str, length: i64, shares: HeadShares, field: &'static str) -> Self {
        let dim = 0;
        let heads = Some(Heads { dim, shares, field });
        Self {
            heads,
            ..Self::features(name, length)
        }
    }
}
