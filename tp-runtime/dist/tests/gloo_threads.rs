//! Gloo groups whose ranks are threads.

mod ranks;

use std::sync::Barrier;
use std::time::{Duration, Instant};

use ranks::{failure, fault, gloo, on_ranks, same, values};
use tch::{Device, Kind, Tensor};
use tp_dist::ReduceOp;
use tp_plan::chunk;

fn sample(rank: usize, shape: &[i64], kind: Kind) -> Tensor {
    let numel: i64 = shape.iter().product();
    let base = Tensor::arange(numel, (Kind::Int64, Device::Cpu)) * 3 + rank as i64 * 7;
    (base.remainder(61) - 11).reshape(shape).to_kind(kind)
}

#[test]
fn collectives_agree_with_their_definitions() {
    let kinds = [
        Kind::Float,
        Kind::Double,
        Kind::Half,
        Kind::BFloat16,
        Kind::Int64,
    ];
    let shapes: [&[i64]; 6] = [&[7], &[1], &[4, 6], &[3, 5, 2], &[2, 1, 3], &[0, 4]];
    for world_size in [2, 3, 4] {
        on_ranks(&gloo(world_size, 20), |rank| {
            let world = &rank.world;
            assert_eq!(world.backend(), "gloo");
            for (kind, shape) in kinds
                .iter()
                .flat_map(|kind| shapes.map(|shape| (*kind, shape)))
            {
                let all: Vec<_> = (0..world_size)
                    .map(|peer| sample(peer, shape, kind))
                    .collect();
                let all = Tensor::stack(&all, 0).to_kind(Kind::Double);
                let sum = all.sum_dim_intlist(0, false, Kind::Double).to_kind(kind);
                let own = sample(rank.rank(), shape, kind);
                let kept = own.copy();
                let reduced = world.all_reduce(own.shallow_clone(), ReduceOp::Sum, "sum")?;
                assert!(same(&reduced, &sum), "{kind:?} {shape:?}: {reduced:?}");
                assert!(
                    same(&own, &kept),
                    "a tensor that is still in use was written over"
                );
                if own.numel() > 0 {
                    let largest = world.all_reduce(own.copy(), ReduceOp::Max, "max")?;
                    assert!(
                        same(&largest, &all.amax(0, false).to_kind(kind)),
                        "{kind:?} {shape:?}"
                    );
                }
                let last = world.broadcast(own.copy(), world_size - 1, "broadcast")?;
                assert!(
                    same(&last, &sample(world_size - 1, shape, kind)),
                    "{kind:?} {shape:?}"
                );
                for (dim, &length) in shape.iter().enumerate() {
                    let range = chunk(length, rank.rank(), world_size);
                    let part = |whole: &Tensor| {
                        whole.narrow(dim as i64, range.start, range.end - range.start)
                    };
                    let gathered = world.all_gather(&part(&sum), dim as i64, length, "gather")?;
                    assert!(same(&gathered, &sum), "{kind:?} {shape:?} {dim}");
                    let scattered = world.reduce_scatter(&own, dim as i64, "scatter")?;
                    assert!(same(&scattered, &part(&sum)), "{kind:?} {shape:?} {dim}");
                }
            }
            world.barrier("end")
        });
    }
}

#[test]
fn meshes_have_groups_of_their_own() {
    on_ranks(&gloo(4, 20), |rank| {
        let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
        for name in ["dp", "tp"] {
            let group = mesh.group(name)?;
            let own = Tensor::from_slice(&[(1 << rank.rank()) as f32]);
            let expected: i32 = group.ranks().iter().map(|rank| 1 << rank).sum();
            assert_eq!(
                values(&group.all_reduce(own, ReduceOp::Sum, name)?),
                [expected as f32]
            );
        }
        Ok(())
    });
}

#[test]
fn a_failing_rank_is_the_one_that_is_named() {
    let start = Instant::now();
    let text = failure(&gloo(3, 30), |rank| {
        rank.world.barrier("start")?;
        if rank.rank() == 2 {
            return Err(fault("no such file"));
        }
        rank.world.barrier("never")
    });
    assert!(
        text.starts_with("rank 2 failed:") && text.contains("no such file"),
        "{text}"
    );
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_rank_that_never_arrives_is_a_timeout() {
    let gave_up = Barrier::new(2);
    let text = failure(&gloo(2, 1), |rank| {
        if rank.rank() == 0 {
            let outcome = rank.world.barrier("late");
            gave_up.wait();
            return outcome;
        }
        gave_up.wait();
        Ok(())
    });
    assert!(
        text.contains("in barrier for `late` failed in gloo"),
        "{text}"
    );
}

#[test]
fn ranks_agree_on_a_failure_of_one() {
    let text = failure(&gloo(2, 20), |rank| {
        let outcome = if rank.rank() == 1 {
            Err(fault("no such file"))
        } else {
            Ok(())
        };
        rank.world.agree(outcome, "load")
    });
    assert!(
        text.starts_with("rank 1 failed:") && text.matches("rank").count() == 1,
        "{text}"
    );
}
