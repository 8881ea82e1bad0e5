//! The costs of a plan against those of another, as `explain` ends with them for an alternate.

use std::fmt;
use std::num::NonZeroUsize;

use serde::Serialize;

use super::bytes::{Bytes, change};
use super::{Count, Explanation, Setup, Traffic, explain};
use crate::Result;
use crate::model::Modules;
use crate::plan::{Plan, valid_degrees};

/// The costs of one rank, in one forward, loss and backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// Over how many ranks.
    pub degree: usize,
    /// Bytes of parameters on rank 0.
    pub rank_bytes: u64,
    /// Bytes of activations on rank 0; unknown for one rank.
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
    /// Of the other, at the same degree or, where it cannot run there, at the greatest below.
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
            degree: explanation.setup.degree.get(),
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
        let setup = explanation.setup;
        let degrees = valid_degrees(other, &model.layers(), setup.mode)?;
        let asked = setup.degree.get();
        let degree = degrees
            .up_to(asked)
            .into_iter()
            .filter_map(NonZeroUsize::new)
            .next_back();
        let setup = Setup {
            degree: degree.unwrap_or(NonZeroUsize::MIN),
            ..setup
        };
        Ok(Self {
            plan: other.name,
            own: Costs::of(explanation),
            other: Costs::of(&explain(other, model, setup)?),
        })
    }
}

/// For people; without a line break at the end.
impl fmt::Display for CostComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, own, other } = self;
        match own.degree == other.degree {
            true => writeln!(f, "against the default plan {plan}:")?,
            false => writeln!(
                f,
                "against the default plan {plan} on {} ranks, the most below that it runs on:",
                other.degree
            )?,
        }
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
