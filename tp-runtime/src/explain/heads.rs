//! Which rank has which attention heads, and what it costs where they do not divide.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use crate::plan::SplitHeads;

/// The heads of a config field over the ranks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeadReport {
    /// The first parameter that is made of them.
    pub parameter: String,
    /// The config field that says how many there are.
    pub field: &'static str,
    /// How many.
    pub count: i64,
    /// How many query heads read them.
    pub queries: i64,
    /// The heads of each rank.
    pub ranks: Vec<Range<i64>>,
}

/// The heads that a plan splits over so many ranks.
pub(super) fn reports(heads: &[SplitHeads], ranks: usize) -> Vec<HeadReport> {
    let report = |heads: &SplitHeads| {
        let shares = heads.shares;
        HeadReport {
            parameter: heads.parameter.clone(),
            field: heads.field,
            count: shares.count,
            queries: shares.queries,
            ranks: (0..ranks).map(|rank| shares.range(rank, ranks)).collect(),
        }
    };
    heads.iter().map(report).collect()
}

impl HeadReport {
    /// How many heads each rank has.
    pub fn held(&self) -> Vec<i64> {
        let lengths = self.ranks.iter().map(|held| held.end - held.start);
        lengths.collect()
    }

    /// Whether some head is on several ranks.
    pub fn is_shared(&self) -> bool {
        self.held().iter().sum::<i64>() > self.count
    }

    /// What the first rank does more than the mean, and who does nothing.
    fn unevenness(&self, held: &[i64]) -> String {
        let mean = self.count as f64 / held.len() as f64;
        let above = 100.0 * (held[0] as f64 / mean - 1.0);
        let mean = (mean * 100.0).round() / 100.0;
        let idle = match held.iter().filter(|held| **held == 0).count() {
            0 => String::new(),
            1 => ", and one rank has none".to_owned(),
            many => format!(", and {many} ranks have none"),
        };
        let heads = if held[0] == 1 { "head" } else { "heads" };
        format!(
            "rank 0 does {} {heads}, the mean is {mean}: {above:.0} % above even{idle}",
            held[0]
        )
    }
}

/// As `num_attention_heads, 14: 4, 4, 3, 3; rank 0 does 4 heads, the mean is 3.5: 14 % above even`.
impl fmt::Display for HeadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: ", self.field, self.count)?;
        let held = self.held();
        if self.is_shared() {
            let which = self.ranks.iter().map(|held| match held.end - held.start {
                0 => "none".to_owned(),
                1 => held.start.to_string(),
                _ => format!("{}-{}", held.start, held.end - 1),
            });
            let which: Vec<String> = which.collect();
            return write!(
                f,
                "ranks share them as their queries read them, {}",
                which.join(" | ")
            );
        }
        if held.iter().all(|count| *count == held[0]) {
            return write!(f, "{} each", held[0]);
        }
        let counts: Vec<String> = held.iter().map(i64::to_string).collect();
        write!(f, "{}; {}", counts.join(", "), self.unevenness(&held))
    }
}
