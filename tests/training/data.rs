//! Global batches in which ranks have different numbers of labels, and one may have none.

use std::path::PathBuf;

use serde_json::Value;
use tch::{Kind, Tensor};
use tempfile::TempDir;
use tp_runtime::loss::IGNORED_LABEL;
use tp_runtime::model::Inputs;
use tp_runtime::train::MicroBatch;
use tp_tests::changed::with_fields;
use tp_tests::fixture;

/// How many samples a global batch has: divisible by every grid and accumulation.
pub(crate) const SAMPLES: usize = 12;
pub(crate) const STEPS: usize = 3;

/// A model, and the samples that it is trained on.
pub(crate) struct Data {
    pub(crate) dir: PathBuf,
    /// Where the model is a fixture's with other fields.
    _copy: Option<TempDir>,
    name: &'static str,
    kind: Samples,
}

enum Samples {
    Texts,
    Classified,
    /// Every other sample has images, and others than text cannot be joined.
    Images,
}

impl Data {
    pub(crate) fn texts(name: &'static str) -> Self {
        Self::new(name, Samples::Texts)
    }

    pub(crate) fn classified(name: &'static str) -> Self {
        Self::new(name, Samples::Classified)
    }

    pub(crate) fn images(name: &'static str) -> Self {
        Self::new(name, Samples::Images)
    }

    fn new(name: &'static str, kind: Samples) -> Self {
        Self {
            dir: fixture(name).dir,
            _copy: None,
            name,
            kind,
        }
    }

    /// The same of the model with other fields in its config.
    pub(crate) fn with_fields(self, fields: Value) -> Self {
        let copy = with_fields(self.name, fields.as_object().expect("fields"));
        Self {
            dir: copy.path().to_owned(),
            _copy: Some(copy),
            ..self
        }
    }

    /// How many micro-batches a rank may make of its samples.
    pub(crate) fn accumulations(&self) -> &'static [usize] {
        match self.kind {
            Samples::Images => &[1],
            _ => &[1, 3],
        }
    }

    /// Samples `range` of a step's global batch, in so many micro-batches or as many as there are samples.
    pub(crate) fn batches(
        &self,
        step: usize,
        range: std::ops::Range<usize>,
        count: usize,
    ) -> Vec<MicroBatch> {
        let size = match self.kind {
            Samples::Images => 1,
            _ => range.len() / count,
        };
        let starts = range.clone().step_by(size);
        starts
            .map(|start| self.batch(step, start..start + size))
            .collect()
    }

    fn batch(&self, step: usize, samples: std::ops::Range<usize>) -> MicroBatch {
        if matches!(self.kind, Samples::Images) {
            let case = if samples.start % 3 == 1 {
                "image"
            } else {
                "odd"
            };
            // Tensors are no `Sync`: each rank reads its own.
            let fixture = fixture(self.name);
            let labels = fixture.tensor(&format!("{case}/labels"));
            let ignored = labels.full_like(IGNORED_LABEL);
            return MicroBatch {
                inputs: fixture.inputs(case),
                labels: if samples.start % 4 == 3 {
                    ignored
                } else {
                    labels
                },
            };
        }
        let ids: Vec<Tensor> = samples.clone().map(|sample| ids(step, sample)).collect();
        let ids = Tensor::stack(&ids, 0);
        let labels: Vec<Tensor> = samples.map(|sample| self.labels(step, sample)).collect();
        MicroBatch {
            inputs: Inputs::new(ids),
            labels: Tensor::stack(&labels, 0),
        }
    }

    /// Every fourth sample counts for nothing, the others for more and more.
    fn labels(&self, step: usize, sample: usize) -> Tensor {
        let is_ignored = sample % 4 == 3;
        match self.kind {
            Samples::Classified if is_ignored => Tensor::from(IGNORED_LABEL),
            Samples::Classified => Tensor::from(((step + sample) % 3) as i64),
            _ => {
                let labels = ids(step, sample);
                let ignored = if is_ignored {
                    8
                } else {
                    8 - (sample as i64 % 7 + 1)
                };
                let _ = labels.narrow(0, 0, ignored).fill_(IGNORED_LABEL);
                labels
            }
        }
    }
}

/// `[8]`
fn ids(step: usize, sample: usize) -> Tensor {
    let first = (step * SAMPLES + sample) as i64;
    (Tensor::arange(8, (Kind::Int64, tch::Device::Cpu)) * 7 + first * 13).remainder(120) + 4
}
