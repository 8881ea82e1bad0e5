//! What a rank's model computes, held to a fixture.

use std::ops::ControlFlow;

use tch::{Device, Kind, Tensor};

use super::compare::{Tolerance, difference};
use super::fixture::{Fixture, Training};
use crate::Result;
use crate::generate::{GenerateOptions, generate};
use crate::model::Inputs;
use crate::module::ShardedParam;
use crate::optim::{AdamW, gradient_norm};
use crate::parallel::ParallelModel;

/// How many differences a failure lists.
const LISTED: usize = 20;

/// A model beside its fixture, and where they part.
pub(super) struct Checks<'a> {
    model: &'a ParallelModel,
    fixture: &'a Fixture,
    differences: Vec<String>,
}

impl<'a> Checks<'a> {
    pub(super) fn new(model: &'a ParallelModel, fixture: &'a Fixture) -> Self {
        Self {
            model,
            fixture,
            differences: Vec::new(),
        }
    }

    /// # Panics
    /// With a list, when anything differs.
    pub(super) fn run(mut self) -> Result<()> {
        let cases = self.fixture.groups_with("logits");
        assert!(!cases.is_empty(), "the fixture has no case with `logits`");
        for case in cases {
            self.case(case)?;
        }
        for prompt in self.fixture.groups_with("generated") {
            self.generation(prompt)?;
        }
        if let Some(training) = self.fixture.training() {
            self.training(&training)?;
        }
        let count = self.differences.len();
        self.differences.truncate(LISTED);
        let listed = self.differences.join("\n  ");
        assert!(
            count == 0,
            "{count} differences from transformers:\n  {listed}"
        );
        Ok(())
    }

    /// What the model is given in a group, where it computes.
    fn inputs(&self, group: &str) -> Result<Inputs> {
        self.model.upload(&self.fixture.inputs(group))
    }

    fn labels(&self, group: &str) -> Tensor {
        let labels = self.fixture.tensor(&format!("{group}/labels"));
        labels.to_device(self.model.device())
    }

    /// Logits and loss of a case, and every gradient where the fixture has them.
    fn case(&mut self, case: &str) -> Result<()> {
        let inputs = self.inputs(case)?;
        let labels = self.labels(case);
        let logits = self.model.forward(&inputs, None)?;
        let loss = self.model.loss_of(&logits, &labels)?;
        let name = format!("{case}/logits");
        let found = logits.full()?.to_device(Device::Cpu);
        let wanted = self.fixture.tensor(&name);
        let mask = self.fixture.find(&format!("{case}/attention_mask"));
        self.compare(
            &name,
            &seen(&found, mask.as_ref()),
            &seen(&wanted, mask.as_ref()),
            Tolerance::F32,
        );
        self.hold(&format!("{case}/loss"), &loss, Tolerance::F32);
        let norm = format!("{case}/grad_norm");
        if self.fixture.find(&norm).is_none() {
            return Ok(());
        }
        loss.f_backward()?;
        self.model.check_replicas()?;
        let parameters = self.model.parameters();
        let found = gradient_norm(&parameters, self.model.group())?;
        self.hold(&norm, &Tensor::from(found), Tolerance::F32);
        self.gradients(case, &parameters)?;
        for named in &parameters {
            named.param.local().zero_grad();
        }
        Ok(())
    }

    /// Every gradient of a case, where the fixture has them; it leaves out those that are zero.
    fn gradients(&mut self, case: &str, parameters: &[ShardedParam<'_>]) -> Result<()> {
        let prefix = format!("{case}/grad.");
        let names = self.fixture.names_under(&prefix);
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            if !parameters.iter().any(|named| named.name == name) {
                let difference = format!("{prefix}{name}: the model has no such parameter");
                self.differences.push(difference);
            }
        }
        for named in parameters {
            let (name, gradient) = (
                format!("{prefix}{}", named.name),
                self.model.gradient(named)?,
            );
            let wanted = self
                .fixture
                .find(&name)
                .unwrap_or_else(|| gradient.zeros_like());
            self.compare(&name, &gradient, &wanted, Tolerance::F32);
        }
        Ok(())
    }

    /// Losses over some AdamW steps, and every parameter after them.
    fn training(&mut self, training: &Training) -> Result<()> {
        let inputs = self.inputs(&training.case)?;
        let labels = self.labels(&training.case);
        let parameters = self.model.parameters();
        let mut optimizer = AdamW::new(
            parameters.iter().map(|named| named.param),
            training.options(),
        )?;
        let mut losses = Vec::new();
        for _ in 0..training.steps {
            let loss = self.model.loss(&inputs, &labels)?;
            loss.f_backward()?;
            losses.push(loss.detach());
            optimizer.step()?;
            optimizer.zero_grad();
        }
        self.model.check_replicas()?;
        self.hold("train/losses", &Tensor::stack(&losses, 0), Tolerance::F32);
        for named in &parameters {
            let name = format!("train/param.{}", named.name);
            // A step is `learning_rate` long whatever the gradient: noise in a tiny one shows.
            let tolerance = Tolerance {
                absolute: 1e-4,
                relative: 1e-5,
            };
            self.hold(&name, &self.model.whole(named)?, tolerance);
        }
        Ok(())
    }

    /// Greedy tokens of a prompt.
    fn generation(&mut self, prompt: &str) -> Result<()> {
        let inputs = self.inputs(prompt)?;
        let name = format!("{prompt}/generated");
        let reference = self.fixture.tensor(&name);
        let new_tokens = reference.size()[1] - inputs.input_ids.size()[1];
        let options = GenerateOptions::greedy(new_tokens);
        let go_on = |_: &Tensor| ControlFlow::Continue(());
        let generated = generate(self.model, &inputs, &options, go_on)?.to_device(Device::Cpu);
        if generated != reference {
            self.differences
                .push(format!("{name}: {generated:?} should be {reference:?}"));
        }
        Ok(())
    }

    /// Compares with the fixture's tensor of that name.
    fn hold(&mut self, name: &str, actual: &Tensor, tolerance: Tolerance) {
        match self.fixture.find(name) {
            Some(reference) => self.compare(name, actual, &reference, tolerance),
            None => self
                .differences
                .push(format!("{name}: the fixture has none")),
        }
    }

    fn compare(&mut self, name: &str, actual: &Tensor, reference: &Tensor, tolerance: Tolerance) {
        if let Some(difference) = difference(actual, reference, tolerance) {
            self.differences.push(format!("{name}: {difference}"));
        }
    }
}

/// The logits of the positions that the mask shows, `[tokens, vocabulary]`; all of a classifier's.
fn seen(logits: &Tensor, mask: Option<&Tensor>) -> Tensor {
    match mask {
        Some(mask) if logits.dim() == 3 => logits.index(&[Some(mask.to_kind(Kind::Bool))]),
        _ => logits.shallow_clone(),
    }
}
