//! A parameter: a shape first, a tensor once it is loaded.

use std::cell::Cell;
use std::rc::Rc;

use super::Segment;
use tp_plan::HeadShares;

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
    is_frozen: Cell<bool>,
    #[cfg(feature = "torch")]
    local: std::cell::RefCell<Option<tch::Tensor>>,
    #[cfg(feature = "torch")]
    keeper: std::cell::RefCell<Option<std::rc::Weak<dyn Keeper>>>,
}

/// Who has this rank's part of parameters where data-parallel ranks divide it.
#[cfg(feature = "torch")]
pub(crate) trait Keeper {
    /// Collects the parts, and gives them gradients to add to where these are wanted.
    fn gather(&self, with_gradients: bool) -> crate::Result<()>;

    /// Sums the gradients, if there are any, and forgets what other ranks have.
    fn release(&self) -> crate::Result<()>;

    /// Whether the parameters are here.
    fn is_held(&self) -> bool;

    /// The kind that they are computed with.
    fn kind(&self) -> tch::Kind;
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
    /// Uniform values within one over the root of the input features, as `torch.nn.Linear` starts (He et al. 2015).
    KaimingUniform,
}

/// A dimension made of attention heads, which a shard must not cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The dimension of the parameter.
    pub dim: usize,
    /// How many heads it holds, and by which queries ranks divide them.
    pub shares: HeadShares,
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
            is_frozen: Cell::new(false),
            #[cfg(feature = "torch")]
            local: std::cell::RefCell::default(),
            #[cfg(feature = "torch")]
            keeper: std::cell::RefCell::default(),
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

    /// Keeps training from the parameter: it has no gradient and no optimizer's state.
    pub fn freeze(&self) {
        self.0.is_frozen.set(true);
    }

    /// Whether training leaves the parameter as it is.
    pub fn is_frozen(&self) -> bool {
        self.0.is_frozen.get()
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

    /// The kind of its elements.
    pub(crate) fn kind(&self) -> tch::Kind {
        match self.keeper() {
            Some(keeper) => keeper.kind(),
            None => self.local().kind(),
        }
    }

    /// Gives the parameter its part.
    pub(crate) fn set_local(&self, tensor: tch::Tensor) {
        *self.0.local.borrow_mut() = Some(tensor);
    }

    /// Forgets the part; its keeper has it.
    pub(crate) fn clear_local(&self) {
        self.0.local.take();
    }

    /// Says who has the part.
    pub(crate) fn set_keeper(&self, keeper: std::rc::Weak<dyn Keeper>) {
        *self.0.keeper.borrow_mut() = Some(keeper);
    }

    /// Who has the part, where that is not always this rank.
    pub(crate) fn keeper(&self) -> Option<Rc<dyn Keeper>> {
        self.0.keeper.borrow().as_ref()?.upgrade()
    }

    /// This rank's part for computation, gathered if data-parallel ranks divide it.
    pub(crate) fn gathered(&self) -> crate::Result<tch::Tensor> {
        if let Some(keeper) = self.keeper() {
            keeper.gather(crate::autograd::is_recording())?;
        }
        Ok(self.local())
    }

    /// Lets `look` see this rank's part, which is gathered for as long as that takes.
    pub(crate) fn inspect<T>(
        &self,
        look: impl FnOnce(&tch::Tensor) -> crate::Result<T>,
    ) -> crate::Result<T> {
        match self.keeper().filter(|keeper| !keeper.is_held()) {
            Some(keeper) => {
                keeper.gather(false)?;
                let seen = look(&self.local());
                keeper.release()?;
                seen
            }
            None => look(&self.local()),
        }
    }
}
