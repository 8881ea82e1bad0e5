//! `tp train`: next-token training on texts and conversations, of a model or of an adapter for it.

mod arguments;
pub(crate) mod corpus;
mod dry_run;
mod facts;
mod job;
pub(crate) mod job_file;
mod lora;
mod metrics;
pub(crate) mod rows;
mod shared;
mod stop;
mod windows;

use std::process::ExitCode;

use anyhow::{Context, Result};
use tp_runtime::model;
use tp_runtime::train::Trainer;

pub(super) use arguments::Arguments;

use crate::hub::{Files, resolve};
use crate::model::{config, require_language_model};
use crate::ranks::Rank;
use corpus::{Batches, Corpus, DataFile};
use job::Job;
use metrics::Metrics;
use shared::Shared;
use stop::Stop;

/// Trains, and gives the exit code: 128 and the signal where one ended the job early, as shells have it.
pub(super) fn run(mut args: Arguments) -> Result<ExitCode> {
    let stop = Stop::listen()?;
    args.batch_size()?;
    let files = match args.dry_run {
        true => Files::Companions,
        false => Files::Checkpoint,
    };
    if let Some(model) = &mut args.model {
        *model = resolve(model, files)?;
    }
    let (args, shared) = (&args, Shared::default());
    if args.dry_run {
        return dry_run::run(args);
    }
    let ended = args.ranks.run(Some(args.dp), args.start(), |rank| {
        train(args, &rank, &stop, &shared)
    })?;
    Ok(ended.map_or(ExitCode::SUCCESS, |signal| ExitCode::from(128 + signal)))
}

/// The signal that ended the job early, if one did.
fn train(args: &Arguments, rank: &Rank, stop: &Stop, shared: &Shared) -> Result<Option<u8>> {
    let shapes = model::build(&config(args.start())?)?;
    require_language_model(&*shapes, "`tp train`")?;
    let world = rank.mesh.world();
    let data_rank = rank.mesh.coordinate("dp")?;
    let size = args.batch_size()?;
    let reading = args.reading(rank.is_first);
    let read = |files: &[DataFile]| shared.get(files, || Corpus::open(files, reading));
    let corpus = read(&args.data)?;
    let validation = match &args.validate[..] {
        [] => None,
        files => Some(read(files)?),
    };
    let steps = args.total_steps(corpus.sequences());
    let job = Job::open(args, world)?;
    let mut trainer = job.trainer(rank)?;
    for corpus in [Some(&corpus), validation.as_ref()].into_iter().flatten() {
        corpus.check(trainer.model().vocabulary_size())?;
    }
    let done = trainer.steps();
    if rank.is_first {
        if let Some(description) = corpus.description() {
            println!("{description}");
        }
        if job.is_resumed() {
            println!("goes on after step {done}");
        }
    }
    let (log, ranks) = (args.log(), world.size() as u64);
    let mut metrics = Metrics::new(rank.is_first, done, steps, log.as_deref(), ranks)?;
    let schedule = args.schedule(steps);
    let mut losses = Vec::new();
    let mut signal = None;
    while trainer.steps() < steps && signal.is_none() {
        let step = trainer.steps();
        metrics.begin();
        let Batches { micro, tokens } = corpus.batches(args.seed, step, &size, data_rank)?;
        let found = trainer.backward(&micro)?;
        let learning_rate = schedule.learning_rate(step);
        trainer.update(learning_rate)?;
        metrics.end(step + 1, &found, learning_rate, tokens)?;
        losses.push(found.loss);
        if args.check_replicas {
            let checked = trainer.check_replicas();
            checked.with_context(|| format!("step {}; it is not saved", step + 1))?;
        }
        let is_due =
            |every: Option<u64>| every.is_some_and(|every| (step + 1).is_multiple_of(every));
        if let Some(corpus) = &validation
            && (is_due(args.validate_every) || step + 1 == steps)
        {
            let batches = corpus.all(size.micro(), data_rank, args.dp.get())?;
            metrics.validated(step + 1, trainer.evaluate(&batches)?)?;
        }
        signal = stop.requested(world)?;
        if is_due(args.save_every) || step + 1 == steps || signal.is_some() {
            job.save(&trainer)?;
        }
    }
    metrics.finish();
    if rank.is_first {
        report(args, &losses, signal, &trainer);
    }
    Ok(signal)
}

/// Says how the job ended.
fn report(args: &Arguments, losses: &[f64], signal: Option<u8>, trainer: &Trainer) {
    let steps = trainer.steps();
    if let (Some(first), Some(last)) = (losses.first(), losses.last()) {
        println!("{} steps: loss {first:.3} to {last:.3}", losses.len());
    } else {
        println!("the job has made all of its {steps} steps already: give it more with --steps");
    }
    match (&args.save, signal) {
        (Some(dir), Some(signal)) => println!(
            "stopped by signal {signal} after step {steps}, saved {}: go on with --resume",
            dir.display()
        ),
        (Some(dir), None) => println!("saved {}", dir.display()),
        (None, Some(signal)) => println!("stopped by signal {signal} after step {steps}"),
        (None, None) => {}
    }
}
