//! The attention heads that a plan splits, and the degrees at which ranks have as many of them.

use std::fmt;

use crate::HeadShares;

/// Heads that rows split over the ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitHeads {
    /// The first parameter that is made of them, by its checkpoint name.
    pub parameter: String,
    /// The config field that says how many there are.
    pub field: &'static str,
    /// How many, and by which queries ranks divide them.
    pub shares: HeadShares,
}

/// The tensor-parallel degrees at which every rank has as many heads as the others.
///
/// Any other degree works; the first ranks then have more to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvenDegrees {
    /// The numbers of queries, each once.
    queries: Vec<i64>,
}

impl EvenDegrees {
    /// Those of a model with these heads.
    pub fn of(heads: &[SplitHeads]) -> Self {
        let queries = heads.iter().map(|heads| heads.shares.queries);
        let mut queries: Vec<i64> = queries.collect();
        queries.sort_unstable();
        queries.dedup();
        Self { queries }
    }

    /// Whether `degree` is one of them.
    pub fn contains(&self, degree: usize) -> bool {
        let mut queries = self.queries.iter();
        degree > 0 && queries.all(|queries| queries % degree as i64 == 0)
    }

    /// All of them, ascending; `None` where no heads are split.
    pub fn all(&self) -> Option<Vec<usize>> {
        let least = *self.queries.first()? as usize;
        Some(
            (1..=least)
                .filter(|degree| self.contains(*degree))
                .collect(),
        )
    }
}

impl fmt::Display for EvenDegrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(degrees) = self.all() else {
            return f.write_str("any");
        };
        let degrees: Vec<String> = degrees.iter().map(usize::to_string).collect();
        f.write_str(&degrees.join(", "))
    }
}
