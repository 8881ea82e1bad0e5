//! Training on a mesh: gradients of micro-batches, summed over ranks; one update by all of them.

use std::rc::Rc;

use tch::{Kind, Tensor};

use super::norm::counted_gradients;
use super::unit::Unit;
use super::units::units;
use crate::Result;
use crate::comm::{ProcessGroup, ReduceOp, upload};
use crate::data_parallel::{TrainOptions, Zero};
use crate::dropout::DropoutKey;
use crate::error::TrainError;
use crate::mesh::DeviceMesh;
use crate::model::Inputs;
use crate::module::{Keeper, ShardedParam};
use crate::optim::{Optimizer, Part};
use crate::parallel::{Held, ParallelModel};

/// What a rank's model is given at once, and what it should say to it; best on the CPU, where it is counted and
/// checked without waiting for a GPU. The trainer copies it.
#[derive(Debug)]
pub struct MicroBatch {
    /// What the model reads.
    pub inputs: Inputs,
    /// As [`ParallelModel::loss`] takes them; -100 where nothing is predicted.
    pub labels: Tensor,
}

impl MicroBatch {
    fn samples(&self) -> i64 {
        self.inputs.input_ids.size().first().copied().unwrap_or(0)
    }

    fn images(&self) -> i64 {
        let pixels = self.inputs.pixel_values.as_ref();
        pixels.map_or(0, |pixels| pixels.size().first().copied().unwrap_or(0))
    }
}

/// What a global batch holds.
struct Counts {
    /// In all of it.
    labels: f64,
    /// Before this rank's part.
    samples: i64,
    /// Before this rank's part.
    images: i64,
}

/// What the gradients of a global batch say, the same on every rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradients {
    /// The mean loss over all labels of the global batch.
    pub loss: f64,
    /// The norm of the whole model's gradient, before it is clipped.
    pub norm: f64,
    /// How many labels there were.
    pub labels: f64,
}

/// A model that is trained on a mesh of data-parallel (`dp`) and tensor-parallel (`tp`) ranks.
///
/// Loss, gradients, norm and updates are those of one process with the whole global batch, whatever the
/// mesh. The ranks of a `tp` group give the same micro-batches, those along `dp` each their own part.
pub struct Trainer {
    pub(super) model: ParallelModel,
    pub(super) optimizer: Box<dyn Optimizer>,
    pub(super) options: TrainOptions,
    pub(super) units: Vec<Rc<Unit>>,
    /// The ranks that have other parts of the batch.
    pub(super) data: ProcessGroup,
    /// The ranks over which the norm is summed.
    counting: ProcessGroup,
    /// The gradients that this rank counts in the norm.
    counted: Vec<Tensor>,
    pub(super) steps: u64,
}

impl Trainer {
    /// Gets a loaded model ready; `optimizer` makes one of the parts that this rank updates.
    ///
    /// ```no_run
    /// # use tp_runtime::prelude::*;
    /// # use tp_runtime::train::{MicroBatch, TrainOptions, Trainer};
    /// # fn train(rank: RankContext, batches: Vec<MicroBatch>) -> Result<()> {
    /// let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
    /// let model = ParallelModel::from_pretrained("path/to/llama").load(&mesh)?;
    /// let mut trainer = Trainer::new(model, &mesh, TrainOptions::default(), |parts| {
    ///     AdamW::of_parts(parts, AdamWOptions::default())
    /// })?;
    /// let gradients = trainer.backward(&batches)?;
    /// trainer.update(1e-4)?;
    /// println!("loss {:.3}", gradients.loss);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the mesh has no dimension `dp` or `tp`, or libtorch cannot allocate buffers and state.
    pub fn new<O: Optimizer + 'static>(
        model: ParallelModel,
        mesh: &DeviceMesh,
        options: TrainOptions,
        optimizer: impl FnOnce(Vec<Part>) -> Result<O>,
    ) -> Result<Self> {
        let data = mesh.group("dp")?.clone();
        let options = options.over(data.size());
        let units = units(&model, &data, &options)?;
        let mut parts = Vec::new();
        for unit in &units {
            for run in unit.runs() {
                let param = &unit.params()[run.parameter];
                parts.push(Part::run(param, unit.value(&run)?, unit.gradient(&run)?));
            }
        }
        let counting = match options.zero {
            Zero::Replicas => model.group().clone(),
            Zero::Optimizer | Zero::Parameters => mesh.world().clone(),
        };
        Ok(Self {
            optimizer: Box::new(optimizer(parts)?),
            counted: counted_gradients(&model, &units)?,
            model,
            options,
            units,
            data,
            counting,
            steps: 0,
        })
    }

    /// The model, which is not to be changed but by [`Self::update`].
    pub fn model(&self) -> &ParallelModel {
        &self.model
    }

    /// How many updates were made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The gradients of a global batch, of which this rank gives its micro-batches: as many on every
    /// rank, of which some may have no label that counts. They are summed over all ranks and clipped.
    ///
    /// # Errors
    /// When no label of the global batch counts, ranks give different numbers of micro-batches, loss or
    /// norm is not finite, the model cannot take a batch, or a collective fails.
    pub fn backward(&mut self, batches: &[MicroBatch]) -> Result<Gradients> {
        for unit in &self.units {
            unit.zero_gradients()?;
        }
        let Counts {
            labels,
            mut samples,
            mut images,
        } = self.count(batches)?;
        let key = DropoutKey::new(self.options.seed, self.steps);
        let options = (Kind::Double, self.model.device());
        let mut loss = Tensor::f_zeros([], options)?;
        for batch in batches {
            let key = key.clone().after(samples, images);
            samples += batch.samples();
            images += batch.images();
            let sum = self.loss_sum(batch, Some(key))?;
            let mean = sum.f_div_scalar(labels)?;
            mean.f_backward()?;
            loss = loss.f_add(&mean.f_detach()?.f_to_kind(Kind::Double)?)?;
        }
        for unit in &self.units {
            match self.options.zero {
                Zero::Parameters => unit.release()?,
                Zero::Replicas | Zero::Optimizer => unit.reduce()?,
            }
        }
        let loss = self.data.all_reduce(loss, ReduceOp::Sum, "the loss")?;
        // The one wait for the device in a step.
        let read = Vec::<f64>::try_from(Tensor::f_stack(&[loss, self.squares()?], 0)?)?;
        let (loss, norm) = (read[0], read[1].sqrt());
        if !(loss.is_finite() && norm.is_finite()) {
            let step = self.steps + 1;
            return Err(TrainError::NotFinite { step, loss, norm }.into());
        }
        self.clip(norm)?;
        Ok(Gradients { loss, norm, labels })
    }

    /// Updates the parameters by the gradients that [`Self::backward`] left.
    ///
    /// # Errors
    /// When libtorch refuses the update, or a collective fails.
    pub fn update(&mut self, learning_rate: f64) -> Result<()> {
        self.optimizer.step(learning_rate)?;
        tch::no_grad(|| self.units.iter().try_for_each(|unit| unit.publish()))?;
        self.steps += 1;
        Ok(())
    }

    /// The mean loss of batches that are not learned from, over the labels of all ranks.
    ///
    /// # Errors
    /// As [`Self::backward`].
    pub fn evaluate(&self, batches: &[MicroBatch]) -> Result<f64> {
        tch::no_grad(|| {
            let Counts { labels, .. } = self.count(batches)?;
            let mut loss = Tensor::f_zeros([], (Kind::Double, self.model.device()))?;
            for batch in batches {
                let sum = self.loss_sum(batch, None)?;
                loss = loss.f_add(&sum.f_to_kind(Kind::Double)?)?;
            }
            self.units.iter().try_for_each(|unit| unit.release())?;
            let loss = self.data.all_reduce(loss, ReduceOp::Sum, "the loss")?;
            Ok(f64::try_from(&loss)? / labels)
        })
    }

    /// Checks that ranks that hold the same parameters hold the same bits, along `dp` and along `tp`, and so
    /// their gradients where each rank has them whole. Every rank makes the call; two small gathers.
    ///
    /// # Errors
    /// On every rank, for the first parameter that is not, or when a collective fails.
    pub fn check_replicas(&self) -> Result<()> {
        tch::no_grad(|| {
            self.model.check_copies(&self.data)?;
            let divides = self.options.zero != Zero::Replicas && self.data.size() > 1;
            // Of gradients that data-parallel ranks divide, a rank has sums of its own share only.
            let held: &[Held] = match divides {
                true => &[Held::Value],
                false => &[Held::Value, Held::Gradient],
            };
            self.model.check_held(held)?;
            self.units.iter().try_for_each(|unit| unit.release())
        })
    }

    /// The clipped gradient of a parameter, whole, on every rank.
    ///
    /// # Errors
    /// When gathering it fails.
    pub fn gradient(&self, named: &ShardedParam<'_>) -> Result<Tensor> {
        for unit in self.units.iter().filter(|_| !named.param.is_frozen()) {
            let mut params = unit.params().iter();
            if let Some(index) = params.position(|param| param.is_tied_to(named.param)) {
                return self.model.gather(named, &unit.whole_gradient(index)?);
            }
        }
        self.model.gradient(named)
    }

    /// How many labels the global batch has, and what of it comes before this rank's part.
    fn count(&self, batches: &[MicroBatch]) -> Result<Counts> {
        let mut labels = 0.0;
        for batch in batches {
            labels += f64::try_from(&self.model.label_count(&batch.labels)?)?;
        }
        let samples: i64 = batches.iter().map(MicroBatch::samples).sum();
        let images: i64 = batches.iter().map(MicroBatch::images).sum();
        let own = [batches.len() as i64, samples, images].map(|count| count as f64);
        let own = Tensor::from_slice(&[&[labels], &own[..]].concat()).f_unsqueeze(0)?;
        let ranks = self.data.size();
        let all = self
            .data
            .all_gather(&own, 0, ranks as i64, "the labels of a step")?;
        let all = Vec::<f64>::try_from(all.f_flatten(0, -1)?)?;
        let counts = |of: usize| all.chunks(4).map(move |rank| rank[of]);
        let micro_batches: Vec<usize> = counts(1).map(|count| count as usize).collect();
        if micro_batches.iter().any(|&count| count != micro_batches[0]) {
            return Err(TrainError::MicroBatches {
                found: micro_batches,
            }
            .into());
        }
        let before = |of| counts(of).take(self.data.rank()).sum::<f64>() as i64;
        match counts(0).sum() {
            0.0 => {
                let step = self.steps + 1;
                Err(TrainError::NoLabels { step }.into())
            }
            labels => Ok(Counts {
                labels,
                samples: before(2),
                images: before(3),
            }),
        }
    }

    fn loss_sum(&self, batch: &MicroBatch, key: Option<DropoutKey>) -> Result<Tensor> {
        let mut inputs = self.model.upload(&batch.inputs)?;
        let labels = upload(&batch.labels, self.model.device())?;
        inputs.recompute = self.options.recomputes();
        inputs.dropout_key = key;
        let logits = self.model.forward(&inputs, None)?;
        self.model.loss_sum(&logits, &labels)
    }

    /// The sum of the squares of the whole model's gradient.
    fn squares(&self) -> Result<Tensor> {
        let mut squares = Tensor::f_zeros([], (Kind::Double, self.model.device()))?;
        for gradient in &self.counted {
            let norm = gradient.f_norm_scalaropt_dtype(2, Kind::Float)?;
            squares = squares.f_add(&norm.f_to_kind(Kind::Double)?.f_square()?)?;
        }
        Ok(self
            .counting
            .all_reduce(squares, ReduceOp::Sum, "the gradient norm")?)
    }

    fn clip(&self, norm: f64) -> Result<()> {
        let Some(max_norm) = self.options.max_norm else {
            return Ok(());
        };
        // torch's own guard against a zero norm.
        let scale = max_norm / (norm + 1e-6);
        if scale < 1.0 {
            for own in self.units.iter().flat_map(|unit| unit.own_gradients()) {
                let _ = own.shallow_clone().f_mul_scalar_(scale)?;
            }
        }
        Ok(())
    }
}
