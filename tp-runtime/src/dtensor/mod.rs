//! A distributed tensor: this rank's part, how the parts are placed, and the ranks.
//!
//! Layouts are tracked where modules meet, not per operator: inside a module the code works on
//! local tensors. Reading a [`DTensor`] under another placement is a redistribution; it happens once
//! per placement however many modules read it, and so does its backward.

mod apply;
mod merge;
mod parts;
mod refused;
mod view;

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use tch::{Device, Kind, Tensor};

use crate::Result;
use crate::autograd;
use crate::comm::ProcessGroup;
use tp_plan::{Collective, Division, Giving, HeadShares, Layout, Placement, Reading};

pub(crate) use parts::all_gather;

pub use crate::error::{PlacementError, ShapeError, TensorError};

/// A tensor over the ranks of a process group.
#[derive(Clone)]
pub struct DTensor(Rc<Inner>);

struct Inner {
    /// What this rank holds.
    local: Tensor,
    layout: Layout,
    shape: Vec<i64>,
    /// The attention heads by which ranks divide the dimension that is sharded; torch's chunks where it
    /// is made of none.
    heads: Option<HeadShares>,
    group: ProcessGroup,
    /// The module that made it, for messages.
    producer: Rc<str>,
    /// Redistributed locals that readers share.
    read: RefCell<Vec<(Reading, Option<HeadShares>, Tensor)>>,
}

impl DTensor {
    /// A tensor of which this rank holds `local`.
    ///
    /// # Shapes
    /// `shape` is that of the whole tensor; `local` differs from it in the sharded dimension only,
    /// where it is this rank's chunk.
    ///
    /// # Errors
    /// When `local` has another shape.
    pub fn from_local(
        local: Tensor,
        placement: Placement,
        shape: &[i64],
        group: &ProcessGroup,
        producer: &Rc<str>,
    ) -> Result<Self> {
        Self::from_heads(local, placement, None, shape, group, producer)
    }

    /// As [`Self::from_local`], where the sharded dimension is made of `heads`.
    pub(crate) fn from_heads(
        local: Tensor,
        placement: Placement,
        heads: Option<HeadShares>,
        shape: &[i64],
        group: &ProcessGroup,
        producer: &Rc<str>,
    ) -> Result<Self> {
        let normalized = placement.normalized(shape.len());
        let mut wanted = shape.to_vec();
        if let Placement::Shard(dim) = normalized {
            let length = usize::try_from(dim)
                .ok()
                .and_then(|dim| wanted.get_mut(dim));
            let Some(length) = length else {
                return Err(ShapeError::Dimension {
                    producer: producer.to_string(),
                    shape: shape.to_vec(),
                    placement,
                }
                .into());
            };
            let own = Division::whole(*length, heads).range(group.rank(), group.size());
            *length = own.end - own.start;
        }
        if local.size() != wanted {
            return Err(ShapeError::Part {
                producer: producer.to_string(),
                rank: group.rank(),
                found: local.size(),
                shape: shape.to_vec(),
                placement,
                wanted,
            }
            .into());
        }
        let layout = Layout::new(normalized);
        Ok(Self::build(local, layout, heads, shape, group, producer))
    }

    /// A tensor that every rank holds whole.
    pub fn replicate(local: Tensor, group: &ProcessGroup, producer: &Rc<str>) -> Self {
        let (layout, shape) = (Layout::new(Placement::Replicate), local.size());
        Self::build(local, layout, None, &shape, group, producer)
    }

    fn build(
        local: Tensor,
        layout: Layout,
        heads: Option<HeadShares>,
        shape: &[i64],
        group: &ProcessGroup,
        producer: &Rc<str>,
    ) -> Self {
        Self(Rc::new(Inner {
            local,
            layout,
            shape: shape.to_vec(),
            heads,
            group: group.clone(),
            producer: producer.clone(),
            read: RefCell::default(),
        }))
    }

    /// How the tensor is placed over the ranks.
    pub fn placement(&self) -> Placement {
        self.0.layout.placement()
    }

    /// The shape of the whole tensor.
    pub fn shape(&self) -> &[i64] {
        &self.0.shape
    }

    /// The element type.
    pub fn kind(&self) -> Kind {
        self.0.local.kind()
    }

    /// Where this rank's part is.
    pub fn device(&self) -> Device {
        self.0.local.device()
    }

    /// The ranks.
    pub fn group(&self) -> &ProcessGroup {
        &self.0.group
    }

    /// The name of the module that made it.
    pub fn producer(&self) -> &Rc<str> {
        &self.0.producer
    }

    /// The indices of a dimension that this rank has, where readers find the tensor.
    ///
    /// # Panics
    /// When there is no such dimension.
    pub fn range(&self, dim: usize) -> Range<i64> {
        self.range_of(dim, self.0.group.rank())
    }

    /// As [`Self::range`], for another rank.
    pub(crate) fn range_of(&self, dim: usize, rank: usize) -> Range<i64> {
        let Inner {
            shape,
            heads,
            group,
            ..
        } = &*self.0;
        match self.placement() {
            Placement::Shard(sharded) if sharded == dim as i64 => {
                Division::whole(shape[dim], *heads).range(rank, group.size())
            }
            _ => 0..shape[dim],
        }
    }

    /// The attention heads that the sharded dimension is made of.
    pub(crate) fn heads(&self) -> Option<HeadShares> {
        self.0.heads
    }

    /// This rank's part, for computation that gives back a gradient placed like the tensor itself.
    ///
    /// # Errors
    /// When a pending gather fails.
    pub fn local(&self) -> Result<Tensor> {
        self.read_heads(self.0.layout.as_placed(), self.0.heads, self.producer())
    }

    /// The tensor under another placement.
    ///
    /// A sum is taken at once; a gather waits for its first reader, whose gradient decides its backward.
    ///
    /// # Errors
    /// When no collective leads there, or the collective fails.
    pub fn redistribute(&self, to: Placement) -> Result<Self> {
        let Inner {
            local,
            layout,
            shape,
            heads,
            group,
            producer,
            ..
        } = &*self.0;
        let to = to.normalized(shape.len());
        if to == layout.placement() {
            return Ok(self.clone());
        }
        let (local, layout, heads) = match Layout::give(layout.stored(), to) {
            Ok(Giving::Kept(layout)) => (local.shallow_clone(), layout, *heads),
            _ => (
                self.read(Reading::alike(to), producer)?,
                Layout::new(to),
                None,
            ),
        };
        Ok(Self::build(local, layout, heads, shape, group, producer))
    }

    /// As [`Self::redistribute`] for a reader that wants the gradients alone: the values are not completed.
    pub(crate) fn redistribute_unread(&self, to: Placement) -> Result<Self> {
        let (shape, group, producer) = (self.shape(), self.group(), self.producer());
        let to = to.normalized(shape.len());
        match Layout::give(self.0.layout.stored(), to) {
            Ok(Giving::Now(now, layout)) if to != self.placement() && group.size() > 1 => {
                let local =
                    apply::redistribute(self.stored(), now.unread(), shape, None, group, producer)?;
                Ok(Self::build(local, layout, None, shape, group, producer))
            }
            _ => self.redistribute(to),
        }
    }

    /// What this rank holds, before any gather that is pending.
    pub(crate) fn stored(&self) -> &Tensor {
        &self.0.local
    }

    /// The same with another tensor in its place; nothing of it was read yet.
    pub(crate) fn with_stored(&self, local: Tensor) -> Self {
        let (shape, group, producer) = (self.shape(), self.group(), self.producer());
        Self::build(local, self.0.layout, self.0.heads, shape, group, producer)
    }

    /// The whole tensor on every rank.
    ///
    /// # Errors
    /// When a collective fails.
    pub fn full(&self) -> Result<Tensor> {
        self.read(Reading::alike(Placement::Replicate), self.producer())
    }

    /// This rank's part of the tensor as a `reader` wants it.
    ///
    /// Readers that want the same share one redistribution, forward and backward.
    ///
    /// # Errors
    /// When no collective leads there, or the collective fails.
    pub fn read(&self, reading: Reading, reader: &Rc<str>) -> Result<Tensor> {
        self.read_heads(reading, None, reader)
    }

    /// As [`Self::read`], where the reader wants a dimension sharded that is made of `wanted` heads.
    pub(crate) fn read_heads(
        &self,
        reading: Reading,
        wanted: Option<HeadShares>,
        reader: &Rc<str>,
    ) -> Result<Tensor> {
        let Inner {
            local,
            layout,
            shape,
            heads,
            group,
            producer,
            read,
        } = &*self.0;
        if group.size() == 1 {
            return Ok(local.shallow_clone());
        }
        let reading = reading.normalized(shape.len());
        // What was read without recording has no backward.
        let recorded = autograd::is_recorded(local);
        let known = |(other, heads, tensor): &&(Reading, Option<HeadShares>, Tensor)| {
            reading.shares(*other) && wanted == *heads && (!recorded || tensor.requires_grad())
        };
        if let Some((_, _, tensor)) = read.borrow().iter().find(known) {
            return Ok(tensor.shallow_clone());
        }
        let access = layout
            .access(reading)
            .map_err(|error| PlacementError::no_redistribution(error, producer, reader))?;
        let local = match access.gathers_first {
            true => self.local()?,
            false => local.shallow_clone(),
        };
        let redistribution = access.redistribution;
        let heads = match redistribution.forward {
            Collective::Identity => {
                self.check_heads(reading.to, wanted, reader)?;
                *heads
            }
            Collective::Split(_) => wanted,
            _ => *heads,
        };
        let tensor = apply::redistribute(&local, redistribution, shape, heads, group, reader)
            .map_err(|error| TensorError::attach(reader, group, error))?;
        let kept = (reading, wanted, tensor.shallow_clone());
        read.borrow_mut().push(kept);
        Ok(tensor)
    }

    /// Whether ranks divide the dimension that is sharded as a reader does that finds `wanted` heads there.
    fn check_heads(
        &self,
        to: Placement,
        wanted: Option<HeadShares>,
        reader: &Rc<str>,
    ) -> Result<(), PlacementError> {
        let Placement::Shard(dim) = to else {
            return Ok(());
        };
        let length = self.0.shape[dim as usize];
        let division = |heads| Division::whole(length, heads);
        match division(self.0.heads).is_divided_like(&division(wanted), self.0.group.size()) {
            true => Ok(()),
            false => Err(PlacementError::Heads {
                reader: reader.to_string(),
                wanted,
                producer: self.0.producer.to_string(),
                found: self.0.heads,
            }),
        }
    }
}
