//! The comparison of a model with transformers, in one call.

use std::path::{Path, PathBuf};

use tch::Kind;

use super::checks::Checks;
use super::fixture::Fixture;
use super::setting::{Setting, on_ranks, settings};
use crate::Result;
use crate::config;
use crate::model::model_of;
use crate::plan::{Plan, plan_for_architecture};

/// Compares a model with what transformers computes from the same checkpoint.
///
/// At each degree, in every mode that the plan supports:
///
/// - logits, loss, the gradient of every parameter and its global norm, of each case of the fixture;
/// - the losses over three AdamW steps, and every parameter after them;
/// - the greedy tokens of each prompt;
/// - that what several ranks hold whole stays the same on each of them, bit by bit.
///
/// Logits of positions that a case's `attention_mask` hides are not compared.
#[must_use = "`check` runs it"]
pub struct Parity {
    dir: PathBuf,
    degrees: Vec<usize>,
    plan: Option<&'static Plan>,
    backend: &'static str,
}

impl Parity {
    /// The comparison with the fixture in the folder `dir`, on one rank and on two.
    ///
    /// Tests run in the folder of their crate's `Cargo.toml`.
    pub fn of(dir: impl AsRef<Path>) -> Self {
        Self {
            dir: dir.as_ref().to_owned(),
            degrees: vec![1, 2],
            plan: None,
            backend: "local",
        }
    }

    /// On these numbers of ranks.
    pub fn degrees(self, degrees: impl IntoIterator<Item = usize>) -> Self {
        let degrees = degrees.into_iter().collect();
        Self { degrees, ..self }
    }

    /// Under another plan than the model's default.
    pub fn plan(self, plan: &'static Plan) -> Self {
        let plan = Some(plan);
        Self { plan, ..self }
    }

    /// Over another backend than shared memory.
    pub fn backend(self, backend: &'static str) -> Self {
        Self { backend, ..self }
    }

    /// Runs it.
    ///
    /// # Panics
    /// When anything differs, listing what does; or when the model cannot run.
    pub fn check(self) {
        let settings = self
            .settings()
            .unwrap_or_else(|error| panic!("{}: {error}", self.dir.display()));
        for setting in settings {
            on_ranks(&self.dir, setting, Kind::Float, |model| {
                let fixture = Fixture::open(&self.dir);
                Checks::new(model, &fixture).run()
            });
        }
    }

    fn settings(&self) -> Result<Vec<Setting>> {
        let plan = match self.plan {
            Some(plan) => plan,
            None => {
                let config = config::read(&self.dir.join("config.json"))?;
                plan_for_architecture(model_of(&config)?.architecture())?
            }
        };
        let (plan_asked, backend) = (self.plan, self.backend);
        let settings = settings(&self.degrees).into_iter();
        Ok(settings
            .filter(|setting| plan.supports(setting.mode))
            .map(|setting| Setting {
                plan: plan_asked,
                backend,
                ..setting
            })
            .collect())
    }
}
