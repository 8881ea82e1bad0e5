//! What a rank may still call after a collective has failed: every later call fails, and none changes a result.

mod ranks;

use std::sync::{Barrier, Mutex};

use ranks::{failure, fault, local, values};
use tch::{Device, Kind, Tensor};
use tp_dist::{Error, ProcessGroup, ReduceOp, Result, Work};

/// More than one rank's share of cache lines.
const LENGTH: usize = 1024;

fn start(group: &ProcessGroup, site: &str) -> Work {
    let ones = Tensor::ones([LENGTH as i64], (Kind::Float, Device::Cpu));
    group.start_all_reduce(ones, ReduceOp::Sum, site)
}

/// Rank 0 waits for rank 1, which has begun but does not read, when rank 2 fails; then rank 0 calls `again`, and only
/// then rank 1 waits. Gives back what rank 1 finds.
fn interrupted(again: impl Fn(&ProcessGroup, &str) + Sync) -> Vec<f32> {
    let (begun, done) = (Barrier::new(3), Barrier::new(2));
    let found = Mutex::new(Vec::new());
    let text = failure(&local(3, 20), |rank| {
        let Some(pair) = rank.world.subgroup(&[0, 1])? else {
            begun.wait();
            return Err(fault("the disk is full"));
        };
        let work = start(&pair, "first");
        begun.wait();
        if rank.rank() == 1 {
            done.wait();
            *found.lock().unwrap() = values(&work.wait()?);
            return Ok(());
        }
        let error = work.wait().unwrap_err();
        again(&pair, &error.to_string());
        done.wait();
        Err(error)
    });
    assert!(text.starts_with("rank 2 failed"), "{text}");
    found.into_inner().unwrap()
}

#[test]
fn a_collective_after_a_failed_one_fails_alike_and_reads_nothing_twice() {
    let sums = interrupted(|pair, error| {
        assert!(error.contains("rank 0 in all_reduce for `first` cannot go on"));
        for _ in 0..100 {
            let again = start(pair, "again").wait().unwrap_err().to_string();
            assert_eq!(again, error);
        }
    });
    assert_eq!(sums, [2.0; LENGTH]);
}

#[test]
fn a_handle_that_is_dropped_after_a_failure_reads_nothing_twice() {
    let sums = interrupted(|pair, _| {
        drop(start(pair, "second"));
        drop(start(pair, "third"));
    });
    assert_eq!(sums, [2.0; LENGTH]);
}

#[test]
fn agreeing_after_a_failure_keeps_the_ranks_own_error() {
    let sums = interrupted(|pair, failed| {
        let outcome: Result<()> = pair.agree(Err(fault("no such file")), "saving");
        let text = outcome.unwrap_err().to_string();
        assert!(text.contains("no such file"), "{text}");
        let text = pair
            .agree(Ok::<_, Error>(()), "saving")
            .unwrap_err()
            .to_string();
        assert_eq!(text, failed);
    });
    assert_eq!(sums, [2.0; LENGTH]);
}

#[test]
fn a_rank_whose_peer_left_stays_out_of_step() {
    let text = failure(&local(2, 20), |rank| {
        if rank.rank() == 1 {
            return Ok(());
        }
        let first = start(&rank.world, "extra").wait().unwrap_err().to_string();
        let second = rank.world.barrier("another").unwrap_err();
        assert_eq!(first, second.to_string());
        Err(second)
    });
    assert!(
        text.contains("waits for rank 1, which has finished"),
        "{text}"
    );
}
