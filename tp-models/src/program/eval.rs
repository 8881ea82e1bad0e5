//! `tp eval`: logits, loss, gradients and greedy tokens of a batch, for comparison with another framework.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use tch::{Device, Kind, Tensor};
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::generate::{GenerateOptions, Sampling, generate};
use tp_runtime::loss;
use tp_runtime::model::Inputs;
use tp_runtime::parallel::ParallelModel;

use super::ranks::{Rank, RankArgs};

/// Runs a batch and writes what comes out, to compare with another framework
///
/// IN.safetensors holds `input_ids` [batch, sequence] (i64) and may hold `attention_mask` of the same
/// shape (ones and zeros) and `labels` (not shifted; -100 is ignored; the default is `input_ids`).
/// OUT.safetensors gets `logits` [batch, sequence, vocabulary] and `loss` in f32, with --grads every
/// `grad.NAME` whole, and with --generate `generated` [batch, sequence + K].
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The checkpoint's folder: config.json and safetensors
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// The batch
    #[arg(long, value_name = "IN.safetensors")]
    inputs: PathBuf,
    /// Where to write
    #[arg(long, value_name = "OUT.safetensors")]
    outputs: PathBuf,
    /// Write the gradient of the loss by every parameter
    #[arg(long)]
    grads: bool,
    /// Append K tokens greedily, without stopping at an end token
    #[arg(long, value_name = "K")]
    generate: Option<i64>,
    #[command(flatten)]
    ranks: RankArgs,
}

/// What the input file holds.
struct Batch {
    input_ids: Tensor,
    attention_mask: Option<Tensor>,
    labels: Tensor,
}

pub(super) fn run(args: &Arguments) -> Result<()> {
    ensure!(
        args.generate.is_none_or(|new| new >= 0),
        "--generate must not be negative"
    );
    args.ranks.run(&args.model, |rank| eval(args, &rank))
}

fn eval(args: &Arguments, rank: &Rank) -> Result<()> {
    let batch = Batch::read(&args.inputs, rank.options.device)?;
    let checkpoint = Checkpoint::open(&args.model)?;
    let (model, _) = ParallelModel::load(&checkpoint, &rank.mesh, rank.options)?;
    batch.check(&model)?;
    ensure!(
        args.generate.is_none() || !batch.is_padded()?,
        "--generate takes no padded batch, and `attention_mask` holds zeros: give rows of one length"
    );
    let mut outputs = Vec::new();
    let mut write = |name: String, tensor: Tensor| {
        if rank.is_first {
            outputs.push((name, tensor.detach().to_device(Device::Cpu).contiguous()));
        }
    };
    let inputs = Inputs {
        attention_mask: batch.attention_mask.as_ref().map(Tensor::shallow_clone),
        ..Inputs::new(batch.input_ids.shallow_clone())
    };
    let logits = model.forward(&inputs, None)?;
    let loss = loss::cross_entropy(&logits, &loss::next_token_labels(&batch.labels))?;
    write(
        "logits".into(),
        tch::no_grad(|| logits.full())?.to_kind(Kind::Float),
    );
    write("loss".into(), loss.to_kind(Kind::Float));
    if args.grads {
        loss.f_backward()?;
        for named in model.parameters() {
            let gradient = model.gradient(&named)?;
            write(
                format!("grad.{}", named.name),
                gradient.to_kind(Kind::Float),
            );
        }
    }
    if let Some(max_new_tokens) = args.generate {
        let options = GenerateOptions {
            max_new_tokens,
            sampling: Sampling::Greedy,
            stop: vec![],
        };
        let go_on = |_: &Tensor| ControlFlow::Continue(());
        write(
            "generated".into(),
            generate(
                &model,
                &Inputs::new(batch.input_ids.shallow_clone()),
                &options,
                go_on,
            )?,
        );
    }
    if rank.is_first {
        write_atomically(&args.outputs, &outputs)?;
    }
    Ok(())
}

impl Batch {
    fn read(path: &Path, device: Device) -> Result<Self> {
        let read = Tensor::read_safetensors(path)
            .with_context(|| format!("cannot read the batch `{}`", path.display()))?;
        let mut tensors: HashMap<String, Tensor> = read.into_iter().collect();
        let mut take = |name: &str| tensors.remove(name).map(|tensor| tensor.to_device(device));
        let Some(input_ids) = take("input_ids") else {
            bail!(
                "`{}` has no tensor `input_ids`: it needs one, [batch, sequence] of i64",
                path.display()
            );
        };
        let labels = take("labels").unwrap_or_else(|| input_ids.copy());
        let attention_mask = take("attention_mask");
        if let Some(name) = tensors.keys().min() {
            bail!(
                "`{}` has a tensor `{name}` that no model here takes: known are `input_ids`, \
                 `attention_mask` and `labels`",
                path.display()
            );
        }
        for (name, tensor) in [("input_ids", &input_ids), ("labels", &labels)]
            .into_iter()
            .chain(attention_mask.as_ref().map(|mask| ("attention_mask", mask)))
        {
            let (shape, wanted) = (tensor.size(), input_ids.size());
            ensure!(
                shape.len() == 2 && shape == wanted && shape[0] > 0 && shape[1] > 0,
                "`{name}` has shape {shape:?}, and `input_ids` has {wanted:?}: both are [batch, sequence]"
            );
            ensure!(
                tensor.kind() == Kind::Int64,
                "`{name}` holds {:?}; save it as 64-bit integers",
                tensor.kind()
            );
        }
        if let Some(mask) = &attention_mask {
            let known = mask.eq(0).logical_or(&mask.eq(1)).all();
            ensure!(
                bool::try_from(known)?,
                "`attention_mask` holds other numbers than 1 for tokens and 0 for padding"
            );
        }
        Ok(Self {
            input_ids,
            attention_mask,
            labels,
        })
    }

    fn is_padded(&self) -> Result<bool> {
        let zeros = self.attention_mask.as_ref().map(|mask| mask.eq(0).any());
        Ok(zeros.map(bool::try_from).transpose()?.unwrap_or(false))
    }

    /// Ids that the model does not have would be looked up in nobody's part of the vocabulary.
    fn check(&self, model: &ParallelModel) -> Result<()> {
        let vocabulary = model.vocabulary_size();
        let ids = |tensor: &Tensor| (i64::try_from(tensor.min()), i64::try_from(tensor.max()));
        let (least, greatest) = ids(&self.input_ids);
        let (least, greatest) = (least?, greatest?);
        ensure!(
            0 <= least && greatest < vocabulary,
            "`input_ids` holds ids from {least} to {greatest}, and the vocabulary has 0 to {}",
            vocabulary - 1
        );
        let counted = self
            .labels
            .masked_fill(&self.labels.eq(loss::IGNORED_LABEL), 0);
        let (least, greatest) = ids(&counted);
        let (least, greatest) = (least?, greatest?);
        ensure!(
            0 <= least && greatest < vocabulary,
            "`labels` holds ids from {least} to {greatest}, and the vocabulary has 0 to {}; \
             use {} for positions that do not count",
            vocabulary - 1,
            loss::IGNORED_LABEL
        );
        Ok(())
    }
}

/// A reader finds the old file or the whole new one.
fn write_atomically(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let part = path.with_added_extension("part");
    Tensor::write_safetensors(tensors, &part)
        .with_context(|| format!("cannot write `{}`", part.display()))?;
    std::fs::rename(&part, path).with_context(|| format!("cannot write `{}`", path.display()))
}
