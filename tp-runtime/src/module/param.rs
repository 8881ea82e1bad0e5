//! A parameter: a shape first, a tensor once it is loaded.

use std::cell::Cell;
use std::rc::Rc;

use super::Segment;

/// A model parameter: its whole shape, and this rank's part of it once that is loaded.
///
/// What part that is, the plan says: see [`Sharding`](super::Sharding). Cloning shares the
/// parameter; that is how a tied head is built.
#[derive(Clone)]
pub struct Param(Rc<Inner>);

struct Inner {
    shape: Vec<i64>,
    heads: Option<Heads>,
    segments: Vec<Segment>,
    initial: Cell<Initial>,
    #[cfg(feature = "torch")]
    local: std::cell::RefCell<Option<tch::Tensor>>,
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
            #[cfg(feature = "torch")]
            local: std::cell::RefCell::new(None),
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

    /// Whether both are one parameter under two names.
    pub fn is_tied_to(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
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
    pub(crate) fn set_local(&self, tensor: tch::Tensor) {
        *self.0.local.borrow_mut() = Some(tensor);
    }
}
