//! Placements that do not meet.

use tp_plan::{HeadShares, Mismatch, NoCollective, Placement, Side};

/// Two sides that disagree about the placement of a tensor.
#[derive(Debug, thiserror::Error)]
pub enum PlacementError {
    /// A module is given another layout than its row says.
    #[error(
        "`{reader}` expects its input as `{expected}`, but `{producer}` gives `{found}`; \
         change the `input:` of the one row or the `output:` of the other"
    )]
    Input {
        /// The module that reads.
        reader: String,
        /// What its row says.
        expected: Placement,
        /// The module that made the tensor.
        producer: String,
        /// What it gives.
        found: Placement,
    },
    /// The ranks divide a dimension of a tensor in one way, and its reader in another.
    #[error(
        "`{reader}` divides {}, but `{producer}` gives {}: let both layers say what heads they have, with \
         `output_heads`, `key_value_heads` and `input_heads`",
        divided(*wanted), divided(*found)
    )]
    Heads {
        /// The module that reads.
        reader: String,
        /// The heads that it reads.
        wanted: Option<HeadShares>,
        /// The module that made the tensor.
        producer: String,
        /// The heads that it gives.
        found: Option<HeadShares>,
    },
    /// No collective turns the one into the other.
    #[error(
        "`{reader}` needs `{to}`, but no collective makes that of the `{from}` that `{producer}` gives"
    )]
    NoRedistribution {
        /// The module that reads.
        reader: String,
        /// What it needs.
        to: Placement,
        /// The module that made the tensor.
        producer: String,
        /// What it gives.
        from: Placement,
    },
    /// Two operands of one operation are placed differently.
    #[error(
        "{operation} takes two tensors that are placed alike, but `{left}` gives `{left_placement}` \
         and `{right}` gives `{right_placement}`"
    )]
    Operands {
        /// What was to be computed.
        operation: &'static str,
        /// The module that made the first.
        left: String,
        /// Its placement.
        left_placement: Placement,
        /// The module that made the second.
        right: String,
        /// Its placement.
        right_placement: Placement,
    },
    /// An operation over all positions was asked of a share of them.
    #[error(
        "{operation} needs the whole sequence, and `{producer}` gives `Shard(1)`: gather it in the row \
         of the norm before, with `SequenceParallelAllGatherActivation`"
    )]
    SequenceOperand {
        /// The module that made it.
        producer: String,
        /// What was to be computed.
        operation: &'static str,
    },
    /// An operation that is not linear was asked of a term of a sum.
    #[error("`{producer}` gives a term of a sum (`Partial`); redistribute it before {operation}")]
    PartialOperand {
        /// The module that made it.
        producer: String,
        /// What was to be computed.
        operation: &'static str,
    },
}

impl PlacementError {
    /// The error for a reader that no collective serves.
    pub(crate) fn no_redistribution(error: NoCollective, producer: &str, reader: &str) -> Self {
        let NoCollective { from, to } = error;
        Self::NoRedistribution {
            reader: reader.to_owned(),
            to,
            producer: producer.to_owned(),
            from,
        }
    }

    /// The error for two operands, each the module that made it and its placement.
    pub(crate) fn operands(
        mismatch: Mismatch,
        operation: &'static str,
        left: (&str, Placement),
        right: (&str, Placement),
    ) -> Self {
        let partial = |producer: &str| Self::PartialOperand {
            producer: producer.to_owned(),
            operation,
        };
        match mismatch {
            Mismatch::Partial(Side::Left) => partial(left.0),
            Mismatch::Partial(Side::Right) => partial(right.0),
            Mismatch::Placements => Self::Operands {
                operation,
                left: left.0.to_owned(),
                left_placement: left.1,
                right: right.0.to_owned(),
                right_placement: right.1,
            },
        }
    }
}

fn divided(heads: Option<HeadShares>) -> String {
    match heads {
        None => "features in chunks".to_owned(),
        Some(HeadShares { count, queries }) if count == queries => format!("{count} heads"),
        Some(HeadShares { count, queries }) => format!("{count} heads that {queries} queries read"),
    }
}
