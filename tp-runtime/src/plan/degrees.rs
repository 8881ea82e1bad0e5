//! Which tensor-parallel degrees a model allows: those that cut no attention head.

use std::fmt;

use super::rows::PlanRow;

/// A parameter whose heads a row splits over the ranks.
#[derive(Clone, Debug)]
pub struct ShardedHeads {
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
}

/// The degrees by which every head count divides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degrees {
    /// No row splits heads.
    Any,
    /// The divisors of the greatest common divisor of the head counts.
    DivisorsOf(i64),
}

impl Degrees {
    /// The degrees that cut none of these many heads.
    pub fn of(counts: impl IntoIterator<Item = i64>) -> Self {
        match counts.into_iter().fold(0, greatest_common_divisor) {
            0 => Self::Any,
            count => Self::DivisorsOf(count),
        }
    }

    /// Whether `degree` cuts no head.
    pub fn allow(self, degree: usize) -> bool {
        match self {
            Self::Any => degree > 0,
            Self::DivisorsOf(count) => degree > 0 && count % degree as i64 == 0,
        }
    }

    /// The degrees up to `limit`, ascending.
    pub fn up_to(self, limit: usize) -> Vec<usize> {
        (1..=limit).filter(|degree| self.allow(*degree)).collect()
    }
}

impl fmt::Display for Degrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::DivisorsOf(count) => {
                let degrees: Vec<String> = self
                    .up_to(*count as usize)
                    .iter()
                    .map(usize::to_string)
                    .collect();
                f.write_str(&degrees.join(", "))
            }
        }
    }
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
