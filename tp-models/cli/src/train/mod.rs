//! `tp train`: next-token training on a text.

mod arguments;
mod facts;
mod job;
mod metrics;
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
use job::Job;
use metrics::Metrics;
use stop::Stop;
use windows::Windows;

/// Trains, and gives the exit code: 128 and the signal where one ended the job early, as shells have it.
pub(super) fn run(mut args: Arguments) -> Result<ExitCode> {
    let stop = Stop::listen()?;
    args.batch_size()?;
    if let Some(model) = &mut args.model {
        *model = resolve(model, Files::Checkpoint)?;
    }
    let args = &args;
    let ended = args.ranks.run(Some(args.dp), args.start(), |rank| {
        train(args, &rank, &stop)
    })?;
    Ok(ended.map_or(ExitCode::SUCCESS, |signal| ExitCode::from(128 + signal)))
}

/// The signal that ended the job early, if one did.
fn train(args: &Arguments, rank: &Rank, stop: &Stop) -> Result<Option<u8>> {
    let shapes = model::build(&config(args.start())?)?;
    require_language_model(&*shapes, "`tp train`")?;
    let world = rank.mesh.world();
    let data_rank = rank.mesh.coordinate("dp")?;
    let size = args.batch_size()?;
    let read = |text| Windows::read(text, &args.tokenizer(), args.sequence);
    let text = read(&args.data)?;
    let validation = args.validate.as_deref().map(read).transpose()?;
    let job = Job::open(args, world)?;
    let mut trainer = job.trainer(rank)?;
    for text in [Some(&text), validation.as_ref()].into_iter().flatten() {
        text.check(trainer.model().vocabulary_size())?;
    }
    let (tokens, ranks) = (size.global() as u64 * args.sequence, world.size() as u64);
    let log = args.log.as_deref();
    let done = trainer.steps();
    if job.is_resumed() && rank.is_first {
        println!("goes on after step {done}");
    }
    let mut metrics = Metrics::new(rank.is_first, done, args.steps, log, tokens, ranks)?;
    let schedule = args.schedule();
    let mut losses = Vec::new();
    let mut signal = None;
    while trainer.steps() < args.steps && signal.is_none() {
        let step = trainer.steps();
        metrics.begin();
        let batches = text.batches(args.seed, step, &size, data_rank);
        let found = trainer.backward(&batches)?;
        let learning_rate = schedule.learning_rate(step);
        trainer.update(learning_rate)?;
        metrics.end(step + 1, &found, learning_rate)?;
        losses.push(found.loss);
        if args.check_replicas {
            let checked = trainer.check_replicas();
            checked.with_context(|| format!("step {}; it is not saved", step + 1))?;
        }
        let is_due =
            |every: Option<u64>| every.is_some_and(|every| (step + 1).is_multiple_of(every));
        if let Some(text) = &validation
            && (is_due(args.validate_every) || step + 1 == args.steps)
        {
            let batches = text.all(size.micro(), data_rank, args.dp.get());
            metrics.validated(step + 1, trainer.evaluate(&batches)?)?;
        }
        signal = stop.requested(world)?;
        if is_due(args.save_every) || step + 1 == args.steps || signal.is_some() {
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
