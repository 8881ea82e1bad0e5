//! The batch that `tp eval` is given: a model's inputs and labels, under transformers' names.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use tch::{Kind, Tensor};
use tp_runtime::loss::IGNORED_LABEL;
use tp_runtime::model::{Inputs, Model, Task};

/// What a model is given, and what it should say to it.
pub(super) struct Batch {
    pub(super) inputs: Inputs,
    /// Without them there is no loss.
    pub(super) labels: Option<Tensor>,
}

impl Batch {
    /// Reads a safetensors file of what `model` takes.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub(super) fn read(path: &Path, model: &dyn Model) -> Result<Self> {
        let read = Tensor::read_safetensors(path)
            .with_context(|| format!("cannot read the batch `{}`", path.display()))?;
        let mut tensors: BTreeMap<String, Tensor> = read.into_iter().collect();
        check_names(&tensors, model).with_context(|| format!("`{}`", path.display()))?;
        let input_ids = tensors.remove("input_ids").ok_or_else(|| {
            let path = path.display();
            anyhow!("`{path}` has no tensor `input_ids`: it needs one, [batch, sequence] of i64")
        })?;
        let labels = tensors.remove("labels");
        let batch = Self {
            labels: match model.task() {
                Task::CausalLanguageModelling => labels.or_else(|| Some(input_ids.copy())),
                Task::SequenceClassification => labels,
            },
            inputs: tensors
                .into_iter()
                .fold(Inputs::new(input_ids), |inputs, (name, tensor)| {
                    inputs.with(&name, tensor)
                }),
        };
        batch.check(model)?;
        Ok(batch)
    }

    pub(super) fn is_padded(&self) -> Result<bool> {
        let mask = self.inputs.attention_mask.as_ref();
        let zeros = mask.map(|mask| bool::try_from(mask.eq(0).any()));
        Ok(zeros.transpose()?.unwrap_or(false))
    }

    /// What a model on a GPU does not look at: it would wait for the device.
    fn check(&self, model: &dyn Model) -> Result<()> {
        let Inputs {
            input_ids,
            attention_mask,
            position_ids,
            token_type_ids,
            image_sizes,
            ..
        } = &self.inputs;
        let language = model.task() == Task::CausalLanguageModelling;
        let labels = self.labels.as_ref().filter(|_| language);
        for (name, tensor) in [
            ("input_ids", Some(input_ids)),
            ("attention_mask", attention_mask.as_ref()),
            ("position_ids", position_ids.as_ref()),
            ("token_type_ids", token_type_ids.as_ref()),
            ("image_sizes", image_sizes.as_ref()),
            ("labels", labels),
        ] {
            let kind = tensor.map_or(Kind::Int64, Tensor::kind);
            ensure!(
                kind == Kind::Int64,
                "`{name}` holds {kind:?}; save it as 64-bit integers"
            );
        }
        let shape = input_ids.size();
        ensure!(
            shape.len() == 2 && !shape.contains(&0),
            "`input_ids` has shape {shape:?}: give [batch, sequence], with a token at least"
        );
        check_range("input_ids", input_ids, model, "")?;
        if let Some(labels) = labels {
            let counted = labels.masked_fill(&labels.eq(IGNORED_LABEL), 0);
            let hint = format!("; use {IGNORED_LABEL} for positions that do not count");
            check_range("labels", &counted, model, &hint)?;
        }
        if let Some(mask) = attention_mask {
            let known = mask.eq(0).logical_or(&mask.eq(1)).all();
            ensure!(
                bool::try_from(known)?,
                "`attention_mask` holds other numbers than 1 for tokens and 0 for padding"
            );
        }
        Ok(())
    }
}

fn check_names(tensors: &BTreeMap<String, Tensor>, model: &dyn Model) -> Result<()> {
    let mut known = vec!["input_ids"];
    known.extend(model.takes().iter().map(|input| input.name));
    for name in tensors.keys().map(String::as_str) {
        ensure!(
            name == "labels" || known.contains(&name),
            "it has a tensor `{name}`, which `{}` does not take: it takes `{}` and `labels`",
            model.node().type_name,
            known.join("`, `")
        );
    }
    Ok(())
}

/// Ids that the model does not have would be looked up in nobody's part of the vocabulary.
fn check_range(name: &str, ids: &Tensor, model: &dyn Model, hint: &str) -> Result<()> {
    if ids.numel() == 0 {
        return Ok(());
    }
    let (least, greatest) = (i64::try_from(ids.min())?, i64::try_from(ids.max())?);
    let last = model.vocabulary_size() - 1;
    ensure!(
        0 <= least && greatest <= last,
        "`{name}` holds ids from {least} to {greatest}, and the vocabulary has 0 to {last}{hint}"
    );
    Ok(())
}
