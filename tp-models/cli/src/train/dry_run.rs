//! What a job would be, without training.

use std::num::NonZeroU64;
use std::process::ExitCode;

use anyhow::Result;
use tp_runtime::explain::{TrainingSetup, explain_training};
use tp_runtime::lora;
use tp_runtime::model;

use super::Arguments;
use super::corpus::Corpus;
use crate::model::{config, require_language_model};
use crate::output::print;

/// Reads config and data, and prints what the job holds and sends.
pub(super) fn run(args: &Arguments) -> Result<ExitCode> {
    let config = config(args.start())?;
    let model = model::build(&config)?;
    require_language_model(&*model, "`tp train`")?;
    print(args.job.trim_end())?;
    if let Some(adapter) = args.adapter()? {
        let layers = model.layers();
        lora::check_names(&layers, adapter.config())?;
        lora::attach(&layers, adapter.config())?;
    }
    let read = |files| Corpus::open(files, args.reading(true));
    let corpus = read(&args.data)?;
    corpus.check(model.vocabulary_size())?;
    if !args.validate.is_empty() {
        read(&args.validate)?.check(model.vocabulary_size())?;
    }
    if let Some(description) = corpus.description() {
        print(format!("\n{description}"))?;
    }
    let (steps, sequences) = (args.total_steps(corpus.sequences()), corpus.sequences());
    let epochs = steps as f64 * args.global_batch as f64 / sequences.max(1) as f64;
    print(format!(
        "\n{steps} steps of {} sequences, {epochs:.2} of an epoch's {sequences}\n",
        args.global_batch
    ))?;
    let size = args.batch_size()?;
    let training = TrainingSetup {
        data_ranks: args.dp,
        accumulation: NonZeroU64::new(size.accumulation() as u64).unwrap_or(NonZeroU64::MIN),
        options: args.options(),
    };
    let setup = args.ranks.setup(size.micro() as u64, args.sequence);
    print(explain_training(
        args.ranks.plan_of(&config)?,
        &*model,
        setup,
        training,
    )?)?;
    Ok(ExitCode::SUCCESS)
}
