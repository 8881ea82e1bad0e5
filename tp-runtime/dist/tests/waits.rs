//! Handles of collectives, waited for in any order, and for how long.

mod ranks;

use std::time::Duration;

use ranks::{gloo, local, on_ranks, values};
use tch::Tensor;
use tp_dist::{Launch, ProcessGroup, ReduceOp, Result, Work};

/// Starts to add up the world's numbers of a group's ranks.
fn start(group: &ProcessGroup, own: usize, site: &str) -> Work {
    let own = Tensor::from_slice(&[own as f32]);
    group.start_all_reduce(own, ReduceOp::Sum, site)
}

/// Waits, and compares with the sum.
fn check(work: Work, group: &ProcessGroup) -> Result<()> {
    let sum: usize = group.ranks().iter().sum();
    assert_eq!(values(&work.wait()?), [sum as f32]);
    Ok(())
}

#[test]
fn handles_of_a_group_are_waited_for_in_any_order_or_dropped() {
    for options in [local(2, 20), gloo(2, 20)] {
        on_ranks(&options, |rank| {
            let world = &rank.world;
            let own = Tensor::from_slice(&[rank.rank() as f32 + 1.0]);
            let sum = world.start_all_reduce(own.copy(), ReduceOp::Sum, "sum");
            let all = world.start_all_gather(&own, 0, 2, "all");
            drop(world.start_broadcast(own.copy(), 1, "dropped"));
            let part = world.start_reduce_scatter(&Tensor::cat(&[&own, &own], 0), 0, "part");
            // Each rank waits in an order of its own.
            let (sum, all) = if rank.rank() == 0 {
                let all = all.wait()?;
                (sum.wait()?, all)
            } else {
                (sum.wait()?, all.wait()?)
            };
            assert_eq!((values(&sum), values(&all)), (vec![3.0], vec![1.0, 2.0]));
            assert_eq!(values(&part.wait()?), [3.0]);
            Ok(())
        });
    }
}

#[test]
fn two_groups_of_the_same_ranks_are_waited_for_in_opposite_orders() {
    for options in [local(2, 20), gloo(2, 20)] {
        on_ranks(&options, |rank| {
            let other = rank.world.subgroup(&[0, 1])?.unwrap();
            let x = (start(&rank.world, rank.rank(), "x"), &rank.world);
            let y = (start(&other, rank.rank(), "y"), &other);
            let [first, second] = if rank.rank() == 0 { [x, y] } else { [y, x] };
            check(first.0, first.1)?;
            check(second.0, second.1)
        });
    }
}

#[test]
fn ranks_that_wait_for_each_other_in_a_ring_all_go_on() {
    for options in [local(4, 20), gloo(4, 20)] {
        on_ranks(&options, |rank| {
            let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
            let (dp, tp) = (mesh.group("dp")?, mesh.group("tp")?);
            for _ in 0..20 {
                let (x, y) = (start(dp, rank.rank(), "dp"), start(tp, rank.rank(), "tp"));
                // 0 waits along dp for 2, 2 along tp for 3, 3 along dp for 1, and 1 along tp for 0.
                if [0, 3].contains(&rank.rank()) {
                    check(x, dp)?;
                    check(y, tp)?;
                } else {
                    check(y, tp)?;
                    check(x, dp)?;
                }
            }
            Ok(())
        });
    }
}

#[test]
fn the_longest_timeout_is_for_ever() {
    for seconds in [u64::MAX, u64::MAX / 1000] {
        for options in [local(2, seconds), gloo(2, seconds)] {
            on_ranks(&options, |rank| {
                if rank.rank() == 1 {
                    // Until the other one has stopped spinning and sleeps.
                    std::thread::sleep(Duration::from_millis(20));
                }
                rank.world.barrier("for ever")
            });
        }
    }
    let for_ever = Launch {
        timeout: Duration::MAX,
        ..local(2, 0)
    };
    on_ranks(&for_ever, |rank| rank.world.barrier("for ever"));
}
