//! A distributed tensor: this rank's part, how the parts lie, and the ranks.
//!
//! Layouts are tracked where modules meet, not per operator: inside a module the code works on
//! local tensors. Reading a [`DTensor`] under another placement is a redistribution; it happens once
//! per placement however many modules read it, and so does its backward.

mod apply;
mod merge;
mod view;

use std::cell::RefCell;
use std::rc::Rc;

use tch::{Device, Kind, Tensor};

use crate::Result;
use crate::comm::ProcessGroup;
use crate::ffi;
use crate::plan::{Placement, Redistribution};

pub use crate::plan::PlacementError;

/// A tensor over the ranks of a process group.
#[derive(Clone)]
pub struct DTensor(Rc<Inner>);

struct Inner {
    /// What this rank holds, placed as `stored`.
    local: Tensor,
    stored: Placement,
    /// What readers are promised; a pending gather is done by the first of them.
    placement: Placement,
    shape: Vec<i64>,
    group: ProcessGroup,
    /// The module that made it, for messages.
    producer: Rc<str>,
    /// Redistributed locals that readers share.
    read: RefCell<Vec<(Placement, Placement, Tensor)>>,
}

impl DTensor {
    /// A tensor of which this rank holds `local`.
    ///
    /// # Shapes
    /// `shape` is that of the whole tensor; `local` differs from it in the sharded dimension only.
    pub fn from_local(
        local: Tensor,
        placement: Placement,
        shape: &[i64],
        group: &ProcessGroup,
        producer: &Rc<str>,
    ) -> Self {
        let placement = placement.normalized(shape.len());
        Self::build(local, placement, placement, shape, group, producer)
    }

    /// A tensor that every rank holds whole.
    pub fn replicate(local: Tensor, group: &ProcessGroup, producer: &Rc<str>) -> Self {
        let shape = local.size();
        Self::from_local(local, Placement::Replicate, &shape, group, producer)
    }

    fn build(
        local: Tensor,
        stored: Placement,
        placement: Placement,
        shape: &[i64],
        group: &ProcessGroup,
        producer: &Rc<str>,
    ) -> Self {
        Self(Rc::new(Inner {
            local,
            stored,
            placement,
            shape: shape.to_vec(),
            group: group.clone(),
            producer: producer.clone(),
            read: RefCell::default(),
        }))
    }

    /// How the tensor lies over the ranks.
    pub fn placement(&self) -> Placement {
        self.0.placement
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

    /// This rank's part, for computation that gives back a gradient placed like the tensor itself.
    ///
    /// # Errors
    /// When a pending gather fails.
    pub fn local(&self) -> Result<Tensor> {
        self.read_as(self.0.placement, Placement::Replicate, self.producer())
    }

    /// The tensor under another placement.
    ///
    /// A sum is taken at once; a gather waits for its first reader, whose gradient decides its backward.
    ///
    /// # Errors
    /// When no collective leads there, or the collective fails.
    pub fn redistribute(&self, to: Placement) -> Result<Self> {
        let to = to.normalized(self.0.shape.len());
        let Inner {
            local,
            stored,
            shape,
            group,
            producer,
            ..
        } = &*self.0;
        if to == self.0.placement {
            return Ok(self.clone());
        }
        if matches!(stored, Placement::Shard(_)) && to == Placement::Replicate {
            let pending = local.shallow_clone();
            return Ok(Self::build(pending, *stored, to, shape, group, producer));
        }
        let local = self.read_as(to, Placement::Replicate, producer)?;
        Ok(Self::build(local, to, to, shape, group, producer))
    }

    /// The whole tensor on every rank.
    ///
    /// # Errors
    /// When a collective fails.
    pub fn full(&self) -> Result<Tensor> {
        self.read_as(Placement::Replicate, Placement::Replicate, self.producer())
    }

    /// This rank's part of the tensor placed `to`, for a `reader` that gives back a gradient placed
    /// `gradient` (which matters for `Replicate` only; see [`Redistribution::new`]).
    ///
    /// Readers that agree on both share one redistribution, forward and backward.
    ///
    /// # Errors
    /// When no collective leads there, or the collective fails.
    pub fn read_as(&self, to: Placement, gradient: Placement, reader: &Rc<str>) -> Result<Tensor> {
        let to = to.normalized(self.0.shape.len());
        let Inner {
            local,
            shape,
            group,
            producer,
            read,
            ..
        } = &*self.0;
        if group.size() == 1 {
            return Ok(local.shallow_clone());
        }
        // What was read without recording has no backward.
        let recorded = ffi::is_recorded(local);
        let known = |(place, grad, tensor): &&(Placement, Placement, Tensor)| {
            *place == to
                && (to != Placement::Replicate || *grad == gradient)
                && (!recorded || tensor.requires_grad())
        };
        if let Some((.., tensor)) = read.borrow().iter().find(known) {
            return Ok(tensor.shallow_clone());
        }
        let (local, from) = self.leading_to(to)?;
        let redistribution = Redistribution::new(from, to, gradient).map_err(|_| {
            PlacementError::NoRedistribution {
                producer: producer.to_string(),
                from,
                reader: reader.to_string(),
                to,
            }
        })?;
        let tensor = apply::redistribute(&local, redistribution, shape, group, reader)?;
        read.borrow_mut()
            .push((to, gradient, tensor.shallow_clone()));
        Ok(tensor)
    }

    /// What is held, or gathered first where a chunk of another dimension is wanted of what was
    /// promised whole.
    fn leading_to(&self, to: Placement) -> Result<(Tensor, Placement)> {
        let promised = self.0.placement;
        match (self.0.stored, to) {
            (Placement::Shard(held), Placement::Shard(wanted))
                if held != wanted && promised == Placement::Replicate =>
            {
                Ok((self.local()?, promised))
            }
            (stored, _) => Ok((self.0.local.shallow_clone(), stored)),
        }
    }
}
