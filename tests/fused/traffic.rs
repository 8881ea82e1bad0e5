//! What `explain` says of the communication of fused layers is what a process group counts.

use std::num::NonZeroUsize;

use tch::Kind;
use tp_runtime::comm;
use tp_runtime::explain::{self, Count, Dtype, Setup};
use tp_runtime::model::{self, Inputs};
use tp_runtime::plan::Plan;
use tp_runtime::{Mode, Result};

use super::model::{AS_ONE, BY_SEGMENTS, WHOLE_SEGMENTS, config};
use super::{ids, on_ranks};

fn check(plan: &'static Plan, heads: (i64, i64), degree: usize) -> Result<()> {
    for mode in [Mode::TensorParallel, Mode::SequenceParallel] {
        let config = config(heads.0, heads.1);
        let setup = Setup {
            degree: NonZeroUsize::new(degree).expect("no degree here is zero"),
            mode,
            batch: 2,
            sequence: 7,
            dtype: Dtype::F32,
        };
        let report = explain::explain(plan, &*model::build(&config)?, setup)?;
        let explained = [report.forward_traffic(), report.backward_traffic()];
        let counted = on_ranks(plan, &config, degree, mode, |model| {
            model.group().reset_counts();
            let logits = model.forward(&Inputs::new(ids()), None)?;
            let forward = model.group().counts();
            let loss = logits.local()?.sum(Kind::Float);
            model.group().reset_counts();
            loss.f_backward()?;
            Ok([forward, model.group().counts()])
        })?;
        for (counted, explained) in counted.into_iter().zip(explained) {
            assert_counts(counted, explained, &format!("{}, {mode:?}", plan.name));
        }
    }
    Ok(())
}

fn assert_counts(counted: comm::CommCounts, explained: explain::Traffic, context: &str) {
    let counted = [
        counted.all_reduce,
        counted.all_gather,
        counted.reduce_scatter,
    ];
    let counted = counted.map(|comm::CommCount { calls, bytes }| Count { calls, bytes });
    let explained = [
        explained.all_reduce,
        explained.all_gather,
        explained.reduce_scatter,
    ];
    assert_eq!(counted, explained, "{context}");
}

#[test]
fn every_collective_is_explained() -> Result<()> {
    check(&AS_ONE, (8, 2), 2)?;
    check(&AS_ONE, (6, 3), 3)?;
    check(&BY_SEGMENTS, (8, 4), 4)?;
    check(&BY_SEGMENTS, (8, 2), 4)?;
    check(&BY_SEGMENTS, (8, 4), 3)?;
    check(&WHOLE_SEGMENTS, (8, 2), 2)
}

#[test]
fn by_segments_nothing_is_gathered_between_the_layers_of_a_block() -> Result<()> {
    let calls = |plan| -> Result<u64> {
        let setup = Setup {
            degree: NonZeroUsize::new(2).expect("two is not zero"),
            mode: Mode::TensorParallel,
            batch: 2,
            sequence: 7,
            dtype: Dtype::F32,
        };
        let report = explain::explain(plan, &*model::build(&config(8, 2))?, setup)?;
        Ok(report.forward_traffic().all_gather.calls)
    };
    assert_eq!((calls(&AS_ONE)?, calls(&BY_SEGMENTS)?), (4, 0));
    Ok(())
}
