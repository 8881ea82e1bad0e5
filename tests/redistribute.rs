//! Every redistribution with its backward, on tensors of any shape, held to the whole tensor.

use std::rc::Rc;

use proptest::prelude::*;
use tch::{Kind, Tensor};
use tp_runtime::Result;
use tp_runtime::comm::RankContext;
use tp_runtime::dtensor::DTensor;
use tp_runtime::plan::{Placement, Reading, chunk};
use tp_tests::ranks::{integers, on_bare_ranks};

use Placement::{Partial, Replicate, Shard};

/// What a rank holds of `value(0) + .. + value(ranks - 1)`, which is the whole tensor.
fn part(shape: &[i64], seed: usize, placement: Placement, rank: &RankContext) -> Tensor {
    let term = |index: usize| integers(shape, seed + index);
    let whole = || (0..rank.world_size()).map(term).sum::<Tensor>();
    match placement {
        Partial => term(rank.rank()),
        Replicate => whole(),
        Shard(dim) => {
            let own = chunk(shape[dim as usize], rank.rank(), rank.world_size());
            whole().narrow(dim, own.start, own.end - own.start).copy()
        }
    }
}

fn tensor(local: &Tensor, placement: Placement, shape: &[i64], rank: &RankContext) -> DTensor {
    let producer = Rc::from("producer");
    DTensor::from_local(
        local.shallow_clone(),
        placement,
        shape,
        &rank.world,
        &producer,
    )
    .expect("a part of the shape")
}

/// Reads a tensor placed `from` as `to`; its reader gives back a gradient placed `gradient`.
fn check(shape: &[i64], degree: usize, from: Placement, to: Placement, gradient: Placement) {
    on_bare_ranks(degree, |rank| {
        let local = part(shape, 1, from, &rank).set_requires_grad(true);
        let value =
            tensor(&local, from, shape, &rank).read(Reading { to, gradient }, &"reader".into())?;
        let context = format!("{shape:?} {from} to {to}, gradient {gradient}, {degree} ranks");
        assert_eq!(value.detach(), part(shape, 1, to, &rank), "{context}");

        let arriving = if to == Replicate { gradient } else { to };
        (value * part(shape, 100, arriving, &rank))
            .sum(Kind::Float)
            .backward();
        // The gradient of a term of a sum is the gradient of the sum.
        let wanted = if from == Partial { Replicate } else { from };
        let wanted = part(shape, 100, wanted, &rank);
        assert_eq!(local.grad(), wanted, "backward of {context}");
        Ok(())
    });
}

/// Two placements that a redistribution joins.
fn placements() -> impl Strategy<Value = (Placement, Placement)> {
    (0i64..3).prop_flat_map(|dim| {
        let from = prop::sample::select(vec![Replicate, Shard(dim), Partial]);
        let to = prop::sample::select(vec![Replicate, Shard(dim)]);
        (from, to)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_and_gradients_are_those_of_the_whole_tensor(
        // Chunks are uneven or empty wherever the degree does not divide.
        shape in prop::array::uniform3(1i64..8),
        degree in 1usize..5,
        (from, to) in placements(),
        gradient in prop::sample::select(vec![Replicate, Partial]),
    ) {
        check(&shape, degree, from, to, gradient);
    }
}

#[test]
fn a_gather_that_waits_may_end_in_any_placement() {
    for to in [Replicate, Shard(0), Shard(1), Shard(2)] {
        on_bare_ranks(2, |rank| {
            let shape = [3, 5, 4];
            let local = part(&shape, 1, Shard(1), &rank).set_requires_grad(true);
            let whole = tensor(&local, Shard(1), &shape, &rank).redistribute(Replicate)?;
            assert_eq!(whole.placement(), Replicate);
            let read = whole.redistribute(to)?.local()?;
            assert_eq!(read.detach(), part(&shape, 1, to, &rank), "{to}");
            (read * part(&shape, 100, to, &rank))
                .sum(Kind::Float)
                .backward();
            assert_eq!(local.grad(), part(&shape, 100, Shard(1), &rank), "{to}");
            Ok(())
        });
    }
}

#[test]
fn a_whole_tensor_survives_a_round_trip() -> Result<()> {
    for dim in 0..3 {
        on_bare_ranks(4, |rank| {
            let shape = [3, 7, 1];
            let whole = part(&shape, 1, Replicate, &rank);
            let there = tensor(&whole, Replicate, &shape, &rank).redistribute(Shard(dim))?;
            assert_eq!(there.redistribute(Replicate)?.local()?, whole);
            Ok(())
        });
    }
    Ok(())
}

#[test]
fn what_no_collective_does_names_both_sides() {
    for (from, to) in [
        (Shard(0), Shard(1)),
        (Shard(1), Partial),
        (Replicate, Partial),
    ] {
        on_bare_ranks(2, |rank| {
            let shape = [2, 2];
            let local = part(&shape, 1, from, &rank);
            let read =
                tensor(&local, from, &shape, &rank).read(Reading::alike(to), &"reader".into());
            let message = read.expect_err("no collective leads there").to_string();
            for part in ["producer", "reader", &from.to_string(), &to.to_string()] {
                assert!(message.contains(part), "{part} is not in: {message}");
            }
            Ok(())
        });
    }
}
