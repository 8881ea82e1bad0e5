//! Fused layers, split as one and by segments: the unsharded model's numbers, parameters and checkpoint.

mod model;
mod refusals;
mod traffic;

use std::time::Duration;

use serde_json::Value;
use tch::{Kind, Tensor};
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::comm::{Launch, RankContext, launch};
use tp_runtime::model::Inputs;
use tp_runtime::optim::gradient_norm;
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::plan::Plan;
use tp_runtime::testing::{Tolerance, assert_close};
use tp_runtime::{Mode, Result};

use model::{AS_ONE, BY_SEGMENTS, WHOLE_SEGMENTS, config};

/// What does not depend on the number of ranks, under its name.
type Named = Vec<(String, Tensor)>;

/// Runs `body` on every rank with the model of a config; the first rank's outcome.
fn on_ranks<T: Send>(
    plan: &'static Plan,
    config: &Value,
    degree: usize,
    mode: Mode,
    body: impl Fn(&ParallelModel) -> Result<T> + Sync,
) -> Result<T> {
    let options = Launch {
        timeout: Duration::from_secs(60),
        threads_per_rank: Some(1),
        ..Launch::new(degree)
    };
    Ok(launch(&options, |rank: RankContext| {
        let mesh = rank.mesh(&[("tp", degree)])?;
        body(&ParallelModel::initialize(
            config,
            Vec::new(),
            7,
            &mesh,
            run_options(plan, mode),
        )?)
    })?)
}

fn run_options(plan: &'static Plan, mode: Mode) -> ParallelOptions {
    ParallelOptions {
        mode,
        plan: Some(plan),
        ..ParallelOptions::default()
    }
}

/// Two sequences of seven tokens, which no degree but one divides.
fn ids() -> Tensor {
    let counted = Tensor::arange(2 * 7, (Kind::Int64, tch::Device::Cpu)) * 5;
    counted.remainder(19).view([2, 7])
}

/// Logits, the norm of the gradient, every parameter and every gradient.
fn numbers(model: &ParallelModel) -> Result<Named> {
    let inputs = Inputs::new(ids());
    let logits = tch::no_grad(|| model.forward(&inputs, None)?.full())?;
    model.loss(&inputs, &ids())?.f_backward()?;
    let norm = gradient_norm(&model.parameters(), model.group())?;
    let mut named = vec![
        ("logits".to_owned(), logits),
        ("norm".to_owned(), Tensor::from(norm)),
    ];
    for parameter in model.parameters() {
        let name = parameter.name.clone();
        named.push((format!("gradient of {name}"), model.gradient(&parameter)?));
        named.push((name, model.whole(&parameter)?.copy()));
    }
    Ok(named)
}

fn assert_same(found: &Named, wanted: &Named, context: &str) {
    assert_eq!(found.len(), wanted.len());
    for ((name, found), (_, wanted)) in found.iter().zip(wanted) {
        let context = format!("{name}, {context}");
        assert_close(&context, found, wanted, Tolerance::F32);
    }
}

/// Every number, in both modes, and the checkpoint that the ranks save.
fn check(plan: &'static Plan, heads: (i64, i64), degrees: &[usize]) -> Result<()> {
    let config = config(heads.0, heads.1);
    let unsharded = on_ranks(plan, &config, 1, Mode::TensorParallel, numbers)?;
    for &degree in degrees {
        for mode in [Mode::TensorParallel, Mode::SequenceParallel] {
            let context = format!("{} on {degree} ranks, {mode:?}", plan.name);
            let found = on_ranks(plan, &config, degree, mode, numbers)?;
            assert_same(&found, &unsharded, &context);
        }
        let dir = tempfile::tempdir().expect("a folder can be made");
        on_ranks(plan, &config, degree, Mode::TensorParallel, |model| {
            model.save(dir.path())?;
            Ok(model.group().barrier("the checkpoint is written")?)
        })?;
        // What one plan's ranks write, another number of another plan's reads.
        let reloaded = launch(&Launch::new(heads.1 as usize), |rank| {
            let mesh = rank.mesh(&[("tp", rank.world_size())])?;
            let options = run_options(&AS_ONE, Mode::SequenceParallel);
            let (model, report) =
                ParallelModel::load(&Checkpoint::open(dir.path())?, &mesh, options)?;
            assert_eq!(report.bytes_read, report.parameter_bytes);
            numbers(&model)
        })?;
        assert_same(&reloaded, &unsharded, &format!("saved by {degree} ranks"));
        load_back(plan, degree, dir.path(), &unsharded)?;
    }
    Ok(())
}

/// The checkpoint in `dir` on the ranks that saved it: each reads the bytes it holds and no others.
fn load_back(
    plan: &'static Plan,
    degree: usize,
    dir: &std::path::Path,
    unsharded: &Named,
) -> Result<()> {
    let found = launch(&Launch::new(degree), |rank| {
        let mesh = rank.mesh(&[("tp", degree)])?;
        let options = run_options(plan, Mode::TensorParallel);
        let (model, report) = ParallelModel::load(&Checkpoint::open(dir)?, &mesh, options)?;
        assert_eq!(report.bytes_read, report.parameter_bytes);
        numbers(&model)
    })?;
    assert_same(&found, unsharded, &format!("loaded by {degree} ranks"));
    Ok(())
}

#[test]
fn split_as_one() -> Result<()> {
    check(&AS_ONE, (8, 2), &[2])?;
    check(&AS_ONE, (8, 4), &[4])?;
    check(&AS_ONE, (6, 3), &[3, 4])
}

#[test]
fn split_by_segments() -> Result<()> {
    check(&BY_SEGMENTS, (8, 2), &[2])?;
    check(&BY_SEGMENTS, (8, 4), &[4])?;
    check(&BY_SEGMENTS, (6, 3), &[3])
}

#[test]
fn split_by_segments_with_uneven_heads() -> Result<()> {
    // A rank may share a key-value head with the rank before it and another with the rank after it.
    check(&BY_SEGMENTS, (8, 2), &[3, 5])?;
    check(&BY_SEGMENTS, (6, 3), &[4, 8])
}

#[test]
fn split_by_segments_with_shared_heads() -> Result<()> {
    // Two query heads for each key-value head on four ranks, one on eight.
    check(&BY_SEGMENTS, (8, 2), &[4, 8])?;
    check(&BY_SEGMENTS, (6, 3), &[6])
}

#[test]
fn shared_heads_beside_another_dimension() -> Result<()> {
    let config = config(8, 2);
    let unsharded = on_ranks(&BY_SEGMENTS, &config, 1, Mode::TensorParallel, numbers)?;
    let found = launch(&Launch::new(8), |rank| {
        let mesh = rank.mesh(&[("dp", 2), ("tp", 4)])?;
        let options = run_options(&BY_SEGMENTS, Mode::SequenceParallel);
        let model = ParallelModel::initialize(&config, Vec::new(), 7, &mesh, options)?;
        let numbers = numbers(&model)?;
        model.check_replicas()?;
        Ok::<_, tp_runtime::Error>(numbers)
    })?;
    assert_same(&found, &unsharded, "dp 2, tp 4");
    Ok(())
}

#[test]
fn whole_segments_on_every_rank() -> Result<()> {
    check(&WHOLE_SEGMENTS, (8, 2), &[2, 3])?;
    check(&WHOLE_SEGMENTS, (8, 4), &[4])
}
