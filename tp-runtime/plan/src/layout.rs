//! An activation as ranks see it: what is stored, what readers were promised, and what becomes of it.
//!
//! rustc follows layouts to check a plan, `explain` to count collectives, and a `DTensor` to make
//! them. Dimensions are normalized: `Shard(2)` is a split over the features of `[batch, sequence, features]`.

use crate::{Collective, FEATURES, NoCollective, Placement, Reads, Redistribution};

/// How an activation is placed.
///
/// A gather is put off until the first reader, since that reader's gradient decides its backward:
/// until then the activation is stored as a shard and promised as `Replicate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    stored: Placement,
    promised: Placement,
}

/// What a layer wants of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// How it wants the activation placed.
    pub to: Placement,
    /// How the gradient is placed that it gives back; it matters where `to` is `Replicate`.
    pub gradient: Placement,
}

/// How an activation becomes what a reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether a pending gather is made first, since a chunk of another dimension is wanted.
    pub gathers_first: bool,
    /// What is then done.
    pub redistribution: Redistribution,
}

/// What becomes of what a layer made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giving {
    /// It stays; a gather may be pending.
    Kept(Layout),
    /// It is redistributed at once.
    Now(Redistribution, Layout),
}

/// Why two activations cannot be computed with element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// One is a term of a sum that is still to be taken.
    Partial(Side),
    /// They are placed differently.
    Placements,
}

/// One of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first.
    Left,
    /// The second.
    Right,
}

impl Layout {
    /// An activation that is stored as it is promised.
    pub const fn new(placement: Placement) -> Self {
        Self {
            stored: placement,
            promised: placement,
        }
    }

    /// How readers find the activation placed.
    pub const fn placement(self) -> Placement {
        self.promised
    }

    /// How the ranks hold it.
    pub const fn stored(self) -> Placement {
        self.stored
    }

    /// What becomes of an activation made as `made` and promised as `promised`: a sum is taken at
    /// once, a gather waits for its first reader.
    ///
    /// # Errors
    /// When no collective leads from the one to the other.
    pub const fn give(made: Placement, promised: Placement) -> Result<Giving, NoCollective> {
        let is_gather = matches!(
            (made, promised),
            (Placement::Shard(_), Placement::Replicate)
        );
        if is_gather || made.same(promised) {
            return Ok(Giving::Kept(Self {
                stored: made,
                promised,
            }));
        }
        match Redistribution::new(made, promised, Placement::Replicate) {
            Ok(now) => Ok(Giving::Now(now, Self::new(promised))),
            Err(error) => Err(error),
        }
    }

    /// The reading of computation that takes the activation as it is placed, and gives back a gradient
    /// placed alike.
    pub const fn as_placed(self) -> Reading {
        Reading::alike(self.promised)
    }

    /// How the activation becomes what a reader wants.
    ///
    /// # Errors
    /// When no collective leads there.
    pub const fn access(self, reading: Reading) -> Result<Access, NoCollective> {
        let gathers_first = match (self.stored, reading.to) {
            (Placement::Shard(held), Placement::Shard(wanted)) => {
                held != wanted && matches!(self.promised, Placement::Replicate)
            }
            _ => false,
        };
        let from = if gathers_first {
            self.promised
        } else {
            self.stored
        };
        match Redistribution::new(from, reading.to, reading.gradient) {
            Ok(redistribution) => Ok(Access {
                gathers_first,
                redistribution,
            }),
            Err(error) => Err(error),
        }
    }

    /// How two activations that are computed with element by element are placed together.
    ///
    /// # Errors
    /// When one is a term of a sum, or they are placed differently.
    pub const fn join(self, other: Self) -> Result<Self, Mismatch> {
        match (self.promised, other.promised) {
            (Placement::Partial, _) => Err(Mismatch::Partial(Side::Left)),
            (_, Placement::Partial) => Err(Mismatch::Partial(Side::Right)),
            (left, right) if left.same(right) => Ok(Self::new(left)),
            _ => Err(Mismatch::Placements),
        }
    }
}

impl Reading {
    /// The whole activation, of which each rank computes a share of an output: the gradient is a term
    /// of a sum.
    pub const FOR_A_SHARE: Self = Self {
        to: Placement::Replicate,
        gradient: Placement::Partial,
    };

    /// The reading of computation whose gradient is placed as the activation is: the same on every
    /// rank, or on each its share.
    pub const fn alike(to: Placement) -> Self {
        Self {
            to,
            gradient: Placement::Replicate,
        }
    }

    /// The same with a non-negative dimension, for a tensor of so many dimensions.
    pub const fn normalized(self, dimensions: usize) -> Self {
        Self {
            to: self.to.normalized(dimensions),
            ..self
        }
    }

    /// Whether two readers share one redistribution.
    pub const fn shares(self, other: Self) -> bool {
        self.to.same(other.to)
            && (!matches!(self.to, Placement::Replicate) || self.gradient.same(other.gradient))
    }
}

impl Reads {
    /// What a layer wants of an activation of `dimensions` dimensions placed as `found`, where its row
    /// says `expected`.
    ///
    /// # Errors
    /// When it cannot read what is placed so: how it would have to be placed.
    pub const fn reading(
        self,
        found: Placement,
        expected: Placement,
        dimensions: usize,
    ) -> Result<Reading, Placement> {
        let as_found = Reading::alike(found);
        match self {
            Self::Ids | Self::Aside => Ok(as_found),
            Self::Whole => match found {
                Placement::Replicate | Placement::Shard(1) => Ok(Reading::FOR_A_SHARE),
                _ => Err(expected),
            },
            Self::Chunk(dimension) if found.same(expected.normalized(dimensions)) => {
                Ok(Reading::alike(dimension.normalized(dimensions)))
            }
            Self::Chunk(_) => Err(expected),
            Self::Rows => match found {
                Placement::Partial => Err(Placement::Replicate),
                _ if found.same(FEATURES.normalized(dimensions)) => Err(Placement::Replicate),
                _ => Ok(as_found),
            },
        }
    }
}

impl Access {
    /// Whether ranks exchange data, forward or backward.
    pub const fn communicates(self) -> bool {
        let Redistribution { forward, backward } = self.redistribution;
        self.gathers_first || forward.communicates() || backward.communicates()
    }
}

impl Giving {
    /// The layout of what is given.
    pub const fn layout(self) -> Layout {
        match self {
            Self::Kept(layout) | Self::Now(_, layout) => layout,
        }
    }

    /// The collective that is made at once.
    pub const fn collective(self) -> Collective {
        match self {
            Self::Kept(_) => Collective::Identity,
            Self::Now(redistribution, _) => redistribution.forward,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Placement::{Partial, Replicate, Shard};

    fn given(made: Placement, promised: Placement) -> Layout {
        Layout::give(made, promised).expect("a collective").layout()
    }

    #[test]
    fn a_sum_is_taken_at_once_and_a_gather_waits() {
        let sum = Layout::give(Partial, Replicate).expect("a collective");
        assert_eq!(sum.collective(), Collective::AllReduce);
        let gather = Layout::give(Shard(1), Replicate).expect("pending");
        assert_eq!(gather.collective(), Collective::Identity);
        let layout = gather.layout();
        assert_eq!((layout.stored(), layout.placement()), (Shard(1), Replicate));
        assert!(Layout::give(Shard(1), Shard(2)).is_err());
    }

    #[test]
    fn the_first_reader_s_gradient_decides_a_pending_gather() {
        let pending = given(Shard(1), Replicate);
        let share = Reads::Whole.reading(Replicate, Replicate, 3).expect("read");
        let access = pending.access(share).expect("a collective").redistribution;
        assert_eq!(access.backward, Collective::ReduceScatter(1));
        let alike = pending.access(pending.as_placed()).expect("a collective");
        assert_eq!(alike.redistribution.backward, Collective::Split(1));
        assert!(!share.shares(pending.as_placed()) && share.shares(share));
    }

    #[test]
    fn a_chunk_of_another_dimension_is_cut_from_what_was_promised_whole() {
        let chunk = Reads::Chunk(FEATURES)
            .reading(Replicate, Replicate, 3)
            .expect("read");
        let access = given(Shard(1), Replicate)
            .access(chunk)
            .expect("a collective");
        assert!(access.gathers_first);
        assert_eq!(access.redistribution.forward, Collective::Split(2));
        assert!(Layout::new(Shard(1)).access(chunk).is_err());
    }

    #[test]
    fn heads_are_no_features_of_what_is_cut_into_heads() {
        assert_eq!(Reads::Rows.reading(Shard(2), Replicate, 3), Err(Replicate));
        assert!(Reads::Rows.reading(Shard(2), Replicate, 4).is_ok());
        assert_eq!(Reads::Rows.reading(Partial, Replicate, 4), Err(Replicate));
    }

    #[test]
    fn activations_that_meet_are_placed_alike() {
        let (whole, rows, term) = (
            Layout::new(Replicate),
            Layout::new(Shard(1)),
            Layout::new(Partial),
        );
        assert_eq!(given(Shard(1), Replicate).join(whole), Ok(whole));
        assert_eq!(rows.join(whole), Err(Mismatch::Placements));
        assert_eq!(rows.join(term), Err(Mismatch::Partial(Side::Right)));
        assert_eq!(term.join(rows), Err(Mismatch::Partial(Side::Left)));
    }
}
