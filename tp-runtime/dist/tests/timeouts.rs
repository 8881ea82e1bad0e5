//! Groups of the same ranks that wait for each other for different times.

mod ranks;

use std::thread::sleep;
use std::time::{Duration, Instant};

use ranks::{failure, fault, gloo, local, on_ranks, values};
use tch::Tensor;
use tp_dist::{Error, Launch, ProcessGroup, ReduceOp, Result};

const SHORT: Duration = Duration::from_secs(1);

/// Longer than that.
const LATE: Duration = Duration::from_millis(1500);

/// Rank 1 comes late to each of some collectives.
fn meet_late(group: &ProcessGroup) -> Result<()> {
    let late = || {
        if group.rank() == 1 {
            sleep(LATE);
        }
    };
    late();
    group.barrier("late barrier")?;
    late();
    let own = Tensor::from_slice(&[1.0f32, 2.0]);
    let sum = group.all_reduce(own.copy(), ReduceOp::Sum, "late sum")?;
    assert_eq!(values(&sum), [2.0, 4.0]);
    late();
    let part = group.reduce_scatter(&own, 0, "late part")?;
    assert_eq!(values(&part), [2.0 * (group.rank() as f32 + 1.0)]);
    late();
    assert_eq!(group.agree(Ok::<_, Error>(7), "late outcome")?, 7);
    Ok(())
}

fn patience_is_enough(options: &Launch) {
    let text = failure(options, |rank| meet_late(&rank.world.with_timeout(SHORT)?));
    assert!(text.contains("for `late barrier`"), "{text}");
    on_ranks(options, |rank| {
        let hasty = rank.world.with_timeout(SHORT)?;
        let patient = hasty.with_timeout(Duration::MAX)?;
        assert_eq!((hasty.timeout(), patient.timeout()), (SHORT, Duration::MAX));
        hasty.barrier("before")?;
        meet_late(&patient)?;
        hasty.barrier("after")
    });
}

#[test]
fn threads_wait_as_long_as_their_group_says() {
    patience_is_enough(&local(2, 20));
}

#[test]
fn gloo_waits_as_long_as_its_group_says() {
    patience_is_enough(&gloo(2, 20));
}

#[test]
fn a_failure_ends_a_wait_for_ever() {
    for options in [local(2, 20), gloo(2, 20)] {
        let start = Instant::now();
        let text = failure(&options, |rank| {
            let patient = rank.world.with_timeout(Duration::MAX)?;
            patient.barrier("both are here")?;
            if rank.rank() == 1 {
                sleep(Duration::from_millis(100));
                return Err(fault("the disk is full"));
            }
            patient.barrier("saved")
        });
        assert!(
            text.starts_with("rank 1 failed:") && text.contains("the disk is full"),
            "{text}"
        );
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn one_rank_needs_no_other() {
    on_ranks(&local(1, 20), |rank| {
        let patient = rank.world.with_timeout(Duration::MAX)?;
        assert_eq!((patient.size(), patient.timeout()), (1, Duration::MAX));
        patient.barrier("alone")
    });
}
