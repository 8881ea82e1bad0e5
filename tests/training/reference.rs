//! One process with the whole batch, in plain steps: what every grid has to equal.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};
use tp_runtime::Result;
use tp_runtime::comm::{Launch, launch};
use tp_runtime::dropout::DropoutKey;
use tp_runtime::optim::{AdamW, AdamWOptions, clip_gradients};
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{Tolerance, assert_close};

use super::data::{Data, SAMPLES, STEPS};
use super::run::Run;

pub(crate) const MAX_NORM: f64 = 0.5;
pub(crate) const LEARNING_RATE: f64 = 2e-3;
/// Of the masks of dropout.
pub(crate) const SEED: u64 = 17;

/// What a step leaves.
pub(crate) struct Step {
    pub(crate) loss: f64,
    pub(crate) norm: f64,
    /// After clipping.
    pub(crate) gradients: BTreeMap<String, Tensor>,
}

pub(crate) struct Reference {
    pub(crate) steps: Vec<Step>,
    pub(crate) parameters: BTreeMap<String, Tensor>,
}

impl Reference {
    pub(crate) fn of(data: &Data) -> Self {
        launch(&Launch::new(1), |rank| {
            train(data, &rank.mesh(&[("tp", 1)])?)
        })
        .unwrap()
    }

    /// Trains on a grid and compares.
    pub(crate) fn hold(&self, data: &Data, run: &Run) {
        let trained = run.train(data);
        for (index, (found, wanted)) in trained.steps.iter().zip(&self.steps).enumerate() {
            let place = |what: &str| format!("{} {run:?} step {index} {what}", data.dir.display());
            near(&place("loss"), found.loss, wanted.loss);
            near(&place("norm"), found.norm, wanted.norm);
            for (name, gradient) in &wanted.gradients {
                assert_close(
                    &place(name),
                    &found.gradients[name],
                    gradient,
                    Tolerance::F32,
                );
            }
        }
        let tolerance = Tolerance {
            absolute: 1e-5,
            relative: 1e-5,
        };
        for (name, parameter) in &self.parameters {
            let place = format!("{} {run:?} {name}", data.dir.display());
            assert_close(&place, &trained.parameters[name], parameter, tolerance);
        }
    }
}

fn near(place: &str, found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() <= 2e-5 * wanted.abs(),
        "{place}: {found} should be {wanted}"
    );
}

fn train(data: &Data, mesh: &tp_runtime::mesh::DeviceMesh) -> Result<Reference> {
    let model = ParallelModel::from_pretrained(&data.dir).load(mesh)?;
    let parameters = model.parameters();
    let mut optimizer = AdamW::new(parameters.iter().map(|named| named.param), options())?;
    let mut steps = Vec::new();
    for step in 0..STEPS {
        let batches = data.batches(step, 0..SAMPLES, 1);
        let counts: Result<Vec<Tensor>> = batches
            .iter()
            .map(|batch| model.label_count(&batch.labels))
            .collect();
        let count = Tensor::stack(&counts?, 0).sum(Kind::Float);
        let mut loss = 0.0;
        let (mut samples, mut images) = (0, 0);
        for batch in &batches {
            let mut inputs = batch.inputs.shallow_clone();
            let key = DropoutKey::new(SEED, step as u64);
            inputs.dropout_key = Some(key.after(samples, images));
            samples += inputs.input_ids.size()[0];
            images += inputs.pixel_values.as_ref().map_or(0, |all| all.size()[0]);
            let logits = model.forward(&inputs, None)?;
            let part = model.loss_sum(&logits, &batch.labels)? / &count;
            part.backward();
            loss += part.double_value(&[]);
        }
        let norm = clip_gradients(&parameters, MAX_NORM, model.group())?;
        let gradients = parameters
            .iter()
            .map(|named| Ok((named.name.clone(), model.gradient(named)?.copy())));
        let gradients = gradients.collect::<Result<_>>()?;
        steps.push(Step {
            loss,
            norm,
            gradients,
        });
        // A buffer has zeros where autograd leaves nothing, and zeros decay.
        for named in &parameters {
            let mut local = named.param.local();
            if !local.grad().defined() {
                (&local * 0.0).sum(Kind::Float).backward();
                local.zero_grad();
            }
        }
        optimizer.step()?;
        optimizer.zero_grad();
    }
    let parameters = parameters
        .iter()
        .map(|named| Ok((named.name.clone(), model.whole(named)?.copy())));
    Ok(Reference {
        steps,
        parameters: parameters.collect::<Result<_>>()?,
    })
}

pub(crate) fn options() -> AdamWOptions {
    AdamWOptions {
        learning_rate: LEARNING_RATE,
        weight_decay: 0.1,
        // The noise of a gradient that is nearly zero is no step of full length.
        epsilon: 1e-5,
        ..Default::default()
    }
}
