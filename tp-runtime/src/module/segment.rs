//! The parts of a fused layer, such as queries, keys and values of one projection.

use super::Heads;

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
        Self {
            heads: Some(Heads {
                dim: 0,
                count,
                field,
            }),
            ..Self::features(name, length)
        }
    }
}
