//! Which tensor-parallel degrees a model allows: those that cut no attention head.

use std::fmt;

use crate::PlanRow;

/// A parameter whose heads a row splits over the ranks.
#[derive(Clone, Debug)]
pub struct SplitHeads {
    /// The row that splits it.
    pub row: PlanRow,
    /// Its checkpoint name.
    pub parameter: String,
    /// Its whole shape.
    pub shape: Vec<i64>,
    /// The config field that says how many heads there are.
    pub field: &'static str,
    /// How many there are.
    pub count: i64,
    /// Whether several ranks may hold one.
    pub shared: bool,
}

impl SplitHeads {
    /// Whether so many ranks each hold as many heads, or each head is held by as many ranks.
    pub fn allow(&self, degree: usize) -> bool {
        divides(self.count, self.shared, degree)
    }
}

/// The degrees that every head count of a model allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degrees {
    /// The head counts, each once, and whether several ranks may hold one head.
    counts: Vec<(i64, bool)>,
}

impl Degrees {
    /// The degrees that cut none of these heads.
    pub fn of(heads: &[SplitHeads]) -> Self {
        let counts = heads.iter().map(|heads| (heads.count, heads.shared));
        let mut counts: Vec<_> = counts.collect();
        counts.sort_unstable();
        counts.dedup();
        Self { counts }
    }

    /// Whether `degree` cuts no head.
    pub fn allow(&self, degree: usize) -> bool {
        let mut counts = self.counts.iter();
        degree > 0 && counts.all(|&(count, shared)| divides(count, shared, degree))
    }

    /// The degrees up to `limit`, ascending.
    pub fn up_to(&self, limit: usize) -> Vec<usize> {
        (1..=limit).filter(|degree| self.allow(*degree)).collect()
    }

    /// All of them, ascending; `None` where there is no greatest.
    pub fn all(&self) -> Option<Vec<usize>> {
        let whole = self.counts.iter().filter(|(_, shared)| !shared);
        let limit = whole.map(|&(count, _)| count).min()?;
        Some(self.up_to(limit as usize))
    }
}

fn divides(count: i64, shared: bool, degree: usize) -> bool {
    let degree = degree as i64;
    count % degree == 0 || shared && degree % count == 0
}

impl fmt::Display for Degrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(degrees) = self.all() {
            let degrees: Vec<String> = degrees.iter().map(usize::to_string).collect();
            return f.write_str(&degrees.join(", "));
        }
        let counts: Vec<String> = self.counts.iter().map(|(n, _)| n.to_string()).collect();
        match &counts[..] {
            [] => f.write_str("any"),
            counts => write!(f, "divisors and multiples of {}", counts.join(" and of ")),
        }
    }
}
