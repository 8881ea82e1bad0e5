//! A parameter: a shape first, a tensor once it is loaded.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Partition, Segment};
use crate::plan::Placement;

/// A model parameter: its whole shape, how it lies over the ranks, and this rank's part of it.
///
/// Cloning shares the parameter; that is how a tied head is built.
#[derive(Clone)]
pub struct Param(Rc<Inner>);

struct Inner {
    shape: Vec<i64>,
    heads: Option<Heads>,
    segments: Vec<Segment>,
    initial: Cell<Initial>,
    /// The dimension that is split over the ranks, and how; `None` for a replicated parameter.
    split: RefCell<Option<(usize, Partition)>>,
    #[cfg(feature = "torch")]
    local: RefCell<Option<tch::Tensor>>,
}

/// What a parameter starts from where no checkpoint says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// Normal values of the config's `initializer_range`.
    Normal,
    /// Ones.
    Ones,
    /// Zeros.
    Zeros,
}

/// A dimension made of attention heads, which a shard must not cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The dimension of the parameter.
    pub dim: usize,
    /// How many heads it holds.
    pub count: i64,
    /// The config field that says so, for messages.
    pub field: &'static str,
}

impl Param {
    /// A parameter of the given whole shape, holding no memory.
    pub fn new(shape: &[i64]) -> Self {
        Self::build(shape, None, Vec::new())
    }

    /// A parameter with a dimension that only splits between heads.
    pub fn with_heads(shape: &[i64], heads: Option<Heads>) -> Self {
        Self::build(shape, heads, Vec::new())
    }

    /// A parameter whose first dimension is made of these segments.
    pub fn with_segments(shape: &[i64], segments: Vec<Segment>) -> Self {
        Self::build(shape, None, segments)
    }

    fn build(shape: &[i64], heads: Option<Heads>, segments: Vec<Segment>) -> Self {
        Self(Rc::new(Inner {
            shape: shape.to_vec(),
            heads,
            segments,
            initial: Cell::new(Initial::Normal),
            split: RefCell::new(None),
            #[cfg(feature = "torch")]
            local: RefCell::new(None),
        }))
    }

    /// The same parameter, started from something else than normal values.
    pub fn initial(self, initial: Initial) -> Self {
        self.0.initial.set(initial);
        self
    }

    /// What the parameter starts from.
    pub fn starts_from(&self) -> Initial {
        self.0.initial.get()
    }

    /// The shape of the whole parameter.
    pub fn shape(&self) -> &[i64] {
        &self.0.shape
    }

    /// The dimension that only splits between heads, if there is one.
    pub fn heads(&self) -> Option<&Heads> {
        self.0.heads.as_ref()
    }

    /// The segments of the first dimension; none where it is not fused.
    pub fn segments(&self) -> &[Segment] {
        &self.0.segments
    }

    /// How the parameter lies over the tensor-parallel ranks.
    pub fn placement(&self) -> Placement {
        match &*self.0.split.borrow() {
            Some((dim, _)) => Placement::Shard(*dim as i64),
            None => Placement::Replicate,
        }
    }

    /// Says how the parameter lies over the ranks, in torch's chunks where it is split; done before
    /// it is loaded.
    pub fn set_placement(&self, placement: Placement) {
        let split = match placement.normalized(self.0.shape.len()) {
            Placement::Shard(dim) => {
                let dim = dim as usize;
                Some((dim, Partition::chunks(self.0.shape[dim])))
            }
            Placement::Replicate | Placement::Partial => None,
        };
        *self.0.split.borrow_mut() = split;
    }

    /// Says how the ranks divide a dimension; done before the parameter is loaded.
    pub fn set_partition(&self, dim: usize, partition: Partition) {
        *self.0.split.borrow_mut() = Some((dim, partition));
    }

    /// The dimension that is split over the ranks, and how they divide it.
    pub fn partition(&self) -> Option<(usize, Partition)> {
        self.0.split.borrow().clone()
    }

    /// Whether both are one parameter under two names.
    pub fn is_tied_to(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// The shape of `rank`'s part under the current placement.
    pub fn local_shape(&self, rank: usize, world_size: usize) -> Vec<i64> {
        let mut shape = self.0.shape.clone();
        if let Some((dim, partition)) = self.partition() {
            shape[dim] = partition.length(rank, world_size);
        }
        shape
    }
}

#[cfg(feature = "torch")]
impl Param {
    /// This rank's part.
    ///
    /// # Panics
    /// Before the parameter is loaded or initialized, which every public way to build a model does.
    pub fn local(&self) -> tch::Tensor {
        match &*self.0.local.borrow() {
            Some(tensor) => tensor.shallow_clone(),
            None => panic!(
                "a parameter of shape {:?} is read before it is loaded",
                self.0.shape
            ),
        }
    }

    /// Gives the parameter its part.
    pub fn set_local(&self, tensor: tch::Tensor) {
        *self.0.local.borrow_mut() = Some(tensor);
    }
}
