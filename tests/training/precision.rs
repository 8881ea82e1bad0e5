//! Training in bf16: small updates are kept in f32 and are not lost.

use tch::{Kind, Tensor};
use tp_runtime::Mode;
use tp_runtime::Result;
use tp_runtime::comm::RankContext;
use tp_runtime::train::{Recompute, Zero};
use tp_tests::grid::Grid;

use super::data::{Data, SAMPLES};
use super::run::Run;

/// A rate at which most updates are less than the distance of two numbers in bf16.
const SMALL: f64 = 1e-5;

/// The whole of each parameter after some steps, the masters' where there are some.
fn trained(data: &Data, run: Run, steps: usize) -> Vec<(String, Tensor)> {
    let body = |rank: RankContext| -> Result<_> {
        let mut trainer = run.trainer(data, &rank)?;
        let share = SAMPLES / run.grid.dp;
        let first = rank.rank() / run.grid.tp * share;
        for _ in 0..steps {
            trainer.backward(&data.batches(0, first..first + share, 1))?;
            trainer.update(SMALL)?;
            trainer.check_replicas()?;
        }
        let model = trainer.model();
        let parameters = model.parameters();
        let whole = parameters.iter().map(|named| {
            let whole = model.whole(named)?.to_kind(Kind::Float).copy();
            Ok((named.name.clone(), whole))
        });
        whole.collect()
    };
    run.grid.launch(body)
}

/// What part of all elements two states have different.
fn changed(before: &[(String, Tensor)], after: &[(String, Tensor)]) -> f64 {
    let elements: usize = before.iter().map(|(_, tensor)| tensor.numel()).sum();
    let differences = before.iter().zip(after);
    let differences = differences.map(|((_, before), (_, after))| {
        before
            .not_equal_tensor(after)
            .sum(Kind::Int64)
            .int64_value(&[])
    });
    differences.sum::<i64>() as f64 / elements as f64
}

/// With masters in f32, thirty small steps move as many weights as in a run that is all f32, rounded
/// at the end; without them hardly any weight moves.
#[test]
fn small_updates_add_up_in_bf16() {
    let data = Data::texts("llama_bf16");
    for (grid, zero) in [
        (Grid::new(1, 1, Mode::TensorParallel), Zero::Replicas),
        (Grid::new(2, 1, Mode::TensorParallel), Zero::Replicas),
        (Grid::new(2, 2, Mode::SequenceParallel), Zero::Optimizer),
        (Grid::new(2, 3, Mode::TensorParallel), Zero::Optimizer),
        (Grid::new(2, 1, Mode::TensorParallel), Zero::Parameters),
    ] {
        let run = |kind| Run {
            grid,
            zero,
            accumulation: 1,
            recompute: Recompute::None,
            kind,
        };
        let of = |kind, steps| trained(&data, run(kind), steps);
        let (before, after) = (of(Kind::BFloat16, 0), of(Kind::BFloat16, 30));
        let rounded = of(Kind::Float, 30)
            .into_iter()
            .map(|(name, tensor)| (name, tensor.to_kind(Kind::BFloat16).to_kind(Kind::Float)));
        let (found, wanted) = (
            changed(&before, &after),
            changed(&before, &rounded.collect::<Vec<_>>()),
        );
        assert!(wanted > 0.2, "{wanted}");
        assert!(
            (found - wanted).abs() < 0.02,
            "{grid:?} {zero:?}: {found} of the weights, not {wanted}"
        );
        assert!(changed(&before, &of(Kind::BFloat16, 1)) < 0.1 * wanted);
    }
}
