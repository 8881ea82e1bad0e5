//! Parameters that data-parallel ranks hold, reduce and update together.

use std::cell::RefCell;
use std::ops::Range;

use tch::{Kind, Tensor};

use crate::Result;
use crate::autograd::set_gradient;
use crate::comm::{ProcessGroup, ReduceOp};
use crate::data_parallel::Layout;
use crate::data_parallel::Run;
use crate::data_parallel::Zero;
use crate::dtensor::TensorError;
use crate::module::{Keeper, Param};

/// Some parameters of this rank in flat buffers.
///
/// Parameters and their gradients are views of the buffers, so that a reduction is a few large
/// collectives. What this rank updates, its chunk of each bucket, is in f32.
pub(super) struct Unit {
    /// What it is, for messages.
    name: String,
    params: Vec<Param>,
    /// The shapes of the local parameters.
    shapes: Vec<Vec<i64>>,
    layout: Layout,
    zero: Zero,
    /// Whether it stays as it is: nothing is updated, and there are no gradients.
    is_frozen: bool,
    ranks: ProcessGroup,
    /// The kind that the model computes in.
    kind: Kind,
    /// Parameters in the model's kind, while this rank holds them all.
    pub(super) weights: RefCell<Option<Tensor>>,
    /// This rank's own sum of gradients.
    pub(super) gradients: RefCell<Option<Tensor>>,
    /// What this rank updates, by bucket.
    pub(super) own: Vec<Tensor>,
    /// The reduced gradients of that.
    own_gradients: Vec<Tensor>,
}

impl Unit {
    /// Moves loaded parameters into buffers.
    pub(super) fn new(
        name: &str,
        params: Vec<Param>,
        zero: Zero,
        ranks: &ProcessGroup,
        bucket: usize,
    ) -> Result<Self> {
        let locals: Vec<Tensor> = params.iter().map(Param::local).collect();
        let lengths = locals.iter().map(|local| local.numel() as i64);
        let divided = match zero {
            Zero::Replicas => 1,
            Zero::Optimizer | Zero::Parameters => ranks.size(),
        };
        let layout = Layout::new(lengths, divided, bucket);
        let (kind, device) = (locals[0].f_kind()?, locals[0].device());
        let weights = Tensor::f_zeros([layout.length()], (kind, device))?;
        for (span, local) in layout.spans().iter().zip(&locals) {
            narrow(&weights, span)?.f_copy_(&local.f_detach()?.f_reshape([-1])?)?;
        }
        let mut unit = Self {
            name: name.to_owned(),
            shapes: locals.iter().map(Tensor::size).collect(),
            is_frozen: params.iter().all(Param::is_frozen),
            params,
            zero,
            ranks: ranks.clone(),
            kind,
            weights: RefCell::default(),
            gradients: RefCell::default(),
            own: Vec::new(),
            own_gradients: Vec::new(),
            layout,
        };
        unit.divide(weights)?;
        Ok(unit)
    }

    /// Sets up what this rank updates: parts of the buffers where they stay and are in f32, else copies.
    fn divide(&mut self, weights: Tensor) -> Result<()> {
        let options = (self.own_kind(), weights.device());
        let length = self.layout.length();
        let stays = self.zero != Zero::Parameters;
        let gradients = match stays {
            true => Some(Tensor::f_zeros([length], options)?),
            false => None,
        };
        for bucket in 0..self.layout.buckets().len() {
            let range = self.own_range(bucket);
            let own = narrow(&weights, &range)?;
            let copies = !(stays && self.kind == options.0);
            self.own.push(own.f_to_dtype(options.0, false, copies)?);
            if self.is_frozen {
                continue;
            }
            self.own_gradients.push(match &gradients {
                Some(gradients) => narrow(gradients, &range)?,
                None => Tensor::f_zeros([range.end - range.start], options)?,
            });
        }
        match gradients {
            Some(gradients) => {
                self.attach(&weights, Some(&gradients))?;
                self.weights.replace(Some(weights));
                self.gradients.replace(Some(gradients));
            }
            None => self.params.iter().for_each(Param::clear_local),
        }
        Ok(())
    }

    /// Makes the parameters views of the buffers.
    fn attach(&self, weights: &Tensor, gradients: Option<&Tensor>) -> Result<()> {
        for (index, param) in self.params.iter().enumerate() {
            let (span, shape) = (&self.layout.spans()[index], &self.shapes[index]);
            let local = narrow(weights, span)?.f_view(&shape[..])?.f_detach()?;
            if let Some(gradients) = gradients {
                let local = local.f_set_requires_grad(true)?;
                set_gradient(&local, &narrow(gradients, span)?.f_view(&shape[..])?)?;
            }
            param.set_local(local);
        }
        Ok(())
    }

    /// Sums the gradients over the ranks: each then has the sum of what it updates.
    pub(super) fn reduce(&self) -> Result<()> {
        match &*self.gradients.borrow() {
            Some(gradients) => self
                .reduce_buckets(gradients)
                .map_err(|error| TensorError::attach(&self.site("gradients"), &self.ranks, error)),
            None => Ok(()),
        }
    }

    fn reduce_buckets(&self, gradients: &Tensor) -> Result<()> {
        let site = self.site("gradients");
        for (bucket, range) in self.layout.buckets().iter().enumerate() {
            let own = self.own_gradients[bucket].shallow_clone();
            let all = narrow(gradients, range)?;
            let reduced = match self.zero {
                _ if self.ranks.size() == 1 => all,
                Zero::Replicas => self.ranks.all_reduce(all, ReduceOp::Sum, &site)?,
                Zero::Optimizer | Zero::Parameters => self.ranks.reduce_scatter(&all, 0, &site)?,
            };
            match self.zero {
                // Micro-batch by micro-batch, since the buffer goes with the weights.
                Zero::Parameters => drop(own.shallow_clone().f_add_(&reduced)?),
                _ if self.ranks.size() == 1 => {}
                Zero::Replicas | Zero::Optimizer => own.shallow_clone().f_copy_(&reduced)?,
            }
        }
        Ok(())
    }

    /// Makes the model compute with what the ranks have updated.
    pub(super) fn publish(&self) -> Result<()> {
        match &*self.weights.borrow() {
            Some(weights) => self.fill(weights),
            None => Ok(()),
        }
    }

    /// Collects the ranks' parts in a buffer.
    fn fill(&self, weights: &Tensor) -> Result<()> {
        for (bucket, range) in self.layout.buckets().iter().enumerate() {
            let own = &self.own[bucket];
            if self.layout.ranks() == 1 {
                if own.f_kind()? != self.kind {
                    narrow(weights, range)?.f_copy_(own)?;
                }
                continue;
            }
            let all = self.gather_bucket(own, range)?;
            narrow(weights, range)?.f_copy_(&all)?;
        }
        Ok(())
    }

    fn gather_bucket(&self, own: &Tensor, range: &Range<i64>) -> Result<Tensor> {
        let own = own.f_to_kind(self.kind)?;
        let (length, site) = (range.end - range.start, self.site("weights"));
        Ok(self.ranks.all_gather(&own, 0, length, &site)?)
    }

    /// Forgets the gradients of a step.
    pub(super) fn zero_gradients(&self) -> Result<()> {
        if let Some(gradients) = &*self.gradients.borrow() {
            let _ = gradients.shallow_clone().f_zero_()?;
        }
        for own in &self.own_gradients {
            let _ = own.shallow_clone().f_zero_()?;
        }
        Ok(())
    }

    /// What this rank updates.
    pub(super) fn runs(&self) -> Vec<Run> {
        match self.is_frozen {
            true => Vec::new(),
            false => self.layout.runs(self.layout_rank()),
        }
    }

    /// The elements of a run, which an optimizer changes.
    pub(super) fn value(&self, run: &Run) -> Result<Tensor> {
        of_run(&self.own[run.bucket], run)
    }

    /// The reduced gradient of a run.
    pub(super) fn gradient(&self, run: &Run) -> Result<Tensor> {
        of_run(&self.own_gradients[run.bucket], run)
    }

    /// All that this rank updates of gradients, by bucket.
    pub(super) fn own_gradients(&self) -> &[Tensor] {
        &self.own_gradients
    }

    /// The reduced gradient of a parameter, whole over the data-parallel ranks, in its local shape.
    pub(super) fn whole_gradient(&self, parameter: usize) -> Result<Tensor> {
        let length = self.layout.length();
        let first = &self.own_gradients[0];
        let all = Tensor::f_zeros([length], (first.f_kind()?, first.device()))?;
        for (bucket, range) in self.layout.buckets().iter().enumerate() {
            let own = &self.own_gradients[bucket];
            let whole = match self.layout.ranks() {
                1 => own.shallow_clone(),
                _ => {
                    let (length, site) = (range.end - range.start, self.site("gradients"));
                    self.ranks.all_gather(own, 0, length, &site)?
                }
            };
            narrow(&all, range)?.f_copy_(&whole)?;
        }
        let shape = &self.shapes[parameter];
        Ok(narrow(&all, &self.layout.spans()[parameter])?.f_view(&shape[..])?)
    }

    /// The parameters, in the order of the layout.
    pub(super) fn params(&self) -> &[Param] {
        &self.params
    }

    /// The local shape of a parameter.
    pub(super) fn shape(&self, parameter: usize) -> &[i64] {
        &self.shapes[parameter]
    }

    /// Whether what this rank updates is kept beside the model's weights, since those are not in f32.
    pub(super) fn has_master(&self) -> bool {
        self.kind != self.own_kind()
    }

    /// What this rank keeps of its own is in this kind.
    fn own_kind(&self) -> Kind {
        match self.is_frozen {
            true => self.kind,
            false => master(self.kind),
        }
    }

    fn own_range(&self, bucket: usize) -> Range<i64> {
        self.layout.own(bucket, self.layout_rank())
    }

    fn layout_rank(&self) -> usize {
        match self.layout.ranks() {
            1 => 0,
            _ => self.ranks.rank(),
        }
    }

    fn site(&self, what: &str) -> String {
        format!("the {what} of {}", self.name)
    }
}

impl Keeper for Unit {
    fn gather(&self, with_gradients: bool) -> Result<()> {
        let with_gradients = with_gradients && !self.is_frozen;
        let mut held = self.weights.borrow_mut();
        let is_ready = !with_gradients || self.gradients.borrow().is_some();
        if held.is_some() && is_ready {
            return Ok(());
        }
        let weights = match held.take() {
            Some(weights) => weights,
            None => {
                let options = (self.kind, self.own[0].device());
                let weights = Tensor::f_empty([self.layout.length()], options)?;
                self.fill(&weights)?;
                weights
            }
        };
        if with_gradients {
            let options = (master(self.kind), weights.device());
            let gradients = Tensor::f_zeros([self.layout.length()], options)?;
            self.attach(&weights, Some(&gradients))?;
            self.gradients.replace(Some(gradients));
        } else {
            self.attach(&weights, None)?;
        }
        *held = Some(weights);
        Ok(())
    }

    fn release(&self) -> Result<()> {
        if self.zero != Zero::Parameters {
            return Ok(());
        }
        self.reduce()?;
        self.gradients.replace(None);
        self.weights.replace(None);
        self.params.iter().for_each(Param::clear_local);
        Ok(())
    }

    fn is_held(&self) -> bool {
        self.weights.borrow().is_some()
    }

    fn kind(&self) -> Kind {
        self.kind
    }
}

/// What this rank updates is in this kind.
fn master(kind: Kind) -> Kind {
    match kind {
        Kind::Double => Kind::Double,
        _ => Kind::Float,
    }
}

fn narrow(flat: &Tensor, range: &Range<i64>) -> Result<Tensor> {
    Ok(flat.f_narrow(0, range.start, range.end - range.start)?)
}

fn of_run(own: &Tensor, run: &Run) -> Result<Tensor> {
    let length = run.elements.end - run.elements.start;
    Ok(own.f_narrow(0, run.start, length)?)
}
