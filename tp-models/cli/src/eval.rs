//! `tp eval`: logits, loss, gradients and greedy tokens of a batch, for comparison with another framework.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use tch::{Device, Kind, Tensor};
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::comm::upload;
use tp_runtime::generate::{GenerateOptions, generate};
use tp_runtime::lora::Adapter;
use tp_runtime::model::{self, Inputs};

use super::batch::Batch;
use super::hub::{Files, resolve};
use super::model::require_language_model;
use super::ranks::{Rank, RankArgs};

/// Runs a batch and writes what comes out, to compare with another framework
///
/// IN.safetensors holds `input_ids` [batch, sequence] (i64), and may hold what else the model takes, under the
/// names and in the shapes of transformers: `attention_mask` (ones and zeros), `position_ids`,
/// `token_type_ids`, `pixel_values`, `image_sizes`; and `labels` (not shifted, -100 is ignored; by default `input_ids`).
/// OUT.safetensors gets `logits` [batch, sequence, vocabulary] and `loss` in f32, with --grads every
/// `grad.NAME` whole (of a model with an adapter, those of the adapter), and with --generate `generated` [batch, sequence + K].
/// For a classifier, `logits` are [batch, labels] and `labels` [batch]; without labels there is no `loss`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The checkpoint's folder, config.json and safetensors; or its name on the hub: `org/name`, `org/name@revision`
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// A LoRA adapter of the model, as `tp train --lora-rank` and PEFT write it
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// The batch
    #[arg(long, value_name = "IN.safetensors")]
    inputs: PathBuf,
    /// Where to write
    #[arg(long, value_name = "OUT.safetensors")]
    outputs: PathBuf,
    /// Write the gradient of the loss by every parameter that is trained
    #[arg(long)]
    grads: bool,
    /// Append K tokens greedily, without stopping at an end token
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(i64).range(0..))]
    generate: Option<i64>,
    #[command(flatten)]
    ranks: RankArgs,
}

pub(super) fn run(args: &Arguments) -> Result<()> {
    let dir = resolve(&args.model, Files::Checkpoint)?;
    (args.ranks).run(None, &dir, |rank| eval(args, &dir, &rank))
}

fn eval(args: &Arguments, dir: &Path, rank: &Rank) -> Result<()> {
    let checkpoint = Checkpoint::open(dir)?;
    let shapes = model::build(checkpoint.config())?;
    let batch = Batch::read(&args.inputs, &*shapes)?;
    if args.generate.is_some() {
        require_language_model(&*shapes, "--generate")?;
        ensure!(
            !batch.is_padded()?,
            "--generate takes no padded batch, and `attention_mask` holds zeros: give rows of one length"
        );
    }
    ensure!(
        batch.labels.is_some() || !args.grads,
        "--grads needs `labels` in `{}`, [batch]: there is no loss without them",
        args.inputs.display()
    );
    let adapter = args.adapter.as_deref().map(Adapter::open).transpose()?;
    let model = rank.load_with(&checkpoint, adapter.as_ref())?;
    let inputs = model.upload(&batch.inputs)?;
    let mut outputs = Vec::new();
    let mut write = |name: String, tensor: Tensor| {
        if rank.is_first {
            let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
            outputs.push((name, tensor));
        }
    };
    let logits = model.forward(&inputs, None)?;
    let loss = batch
        .labels
        .map(|labels| model.loss_of(&logits, &upload(&labels, model.device())?));
    let whole = tch::no_grad(|| logits.full())?;
    write("logits".into(), whole.to_kind(Kind::Float));
    if let Some(loss) = loss.transpose()? {
        write("loss".into(), loss.to_kind(Kind::Float));
        if args.grads {
            loss.f_backward()?;
            for named in model.trained() {
                let gradient = model.gradient(&named)?.to_kind(Kind::Float);
                write(format!("grad.{}", named.name), gradient);
            }
        }
    }
    if let Some(max_new_tokens) = args.generate {
        let prompt = Inputs {
            attention_mask: None,
            ..inputs
        };
        let options = GenerateOptions::greedy(max_new_tokens);
        let go_on = |_: &Tensor| ControlFlow::Continue(());
        let generated = generate(&model, &prompt, &options, go_on)?;
        write("generated".into(), generated);
    }
    if rank.is_first {
        write_atomically(&args.outputs, &outputs)?;
    }
    Ok(())
}

/// A reader finds the old file or the whole new one.
fn write_atomically(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let part = path.with_added_extension("part");
    Tensor::write_safetensors(tensors, &part)
        .with_context(|| format!("cannot write `{}`", part.display()))?;
    std::fs::rename(&part, path).with_context(|| format!("cannot write `{}`", path.display()))
}
