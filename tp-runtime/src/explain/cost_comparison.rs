//! The costs of a plan against those of another, as `explain` ends with them for an alternate.

use std::fmt;

use serde::Serialize;

use super::bytes::{Bytes, change};
use super::{Count, Explanation, Traffic, explain};
use crate::Result;
use crate::model::Modules;
use crate::plan::Plan;

/// The costs of one rank, in one forward, loss and backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// Bytes of parameters on the rank that holds most.
    pub rank_bytes: u64,
    /// Bytes of activations on it; unknown for one rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_bytes: Option<u64>,
    /// What it communicates.
    pub collectives: Count,
}

/// The costs of a plan and those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CostComparison {
    /// The other plan's name.
    pub plan: &'static str,
    /// Of the plan that was explained.
    pub own: Costs,
    /// Of the other.
    pub other: Costs,
}

impl Costs {
    fn of(explanation: &Explanation) -> Self {
        let passes = [
            &explanation.forward,
            &explanation.loss,
            &explanation.backward,
        ];
        let counts = passes.map(|calls| Traffic::of(calls).total());
        Self {
            rank_bytes: explanation.memory.rank_bytes,
            activation_bytes: explanation.activation_bytes,
            collectives: Count {
                calls: counts.iter().map(|count| count.calls).sum(),
                bytes: counts.iter().map(|count| count.bytes).sum(),
            },
        }
    }
}

impl CostComparison {
    /// The costs in `explanation` of `model`, and those of `other`.
    ///
    /// # Errors
    /// As [`explain`], for the other plan.
    pub fn with(
        explanation: &Explanation,
        other: &'static Plan,
        model: &dyn Modules,
    ) -> Result<Self> {
        Ok(Self {
            plan: other.name,
            own: Costs::of(explanation),
            other: Costs::of(&explain(other, model, explanation.setup)?),
        })
    }
}

/// For people; without a line break at the end.
impl fmt::Display for CostComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, own, other } = self;
        writeln!(f, "against the default plan {plan}:")?;
        let mut bytes = |what, own, other| {
            let change = change(own, other);
            writeln!(
                f,
                "  {what} per rank: {} instead of {}, {change}",
                Bytes(own),
                Bytes(other)
            )
        };
        bytes("parameters", own.rank_bytes, other.rank_bytes)?;
        if let Some((own, other)) = own.activation_bytes.zip(other.activation_bytes) {
            bytes("activations", own, other)?;
        }
        let (mine, theirs) = (own.collectives, other.collectives);
        write!(
            f,
            "  forward, loss and backward: {} in {} collectives instead of {} in {}, {}",
            Bytes(mine.bytes),
            mine.calls,
            Bytes(theirs.bytes),
            theirs.calls,
            change(mine.bytes, theirs.bytes)
        )
    }
}
