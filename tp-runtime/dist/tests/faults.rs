//! What the other ranks see when one fails, panics, is late, or makes another call.

mod ranks;

use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use ranks::{failure, fault, local};
use tch::{Device, Kind, Tensor};
use tp_dist::autograd::with_backward;
use tp_dist::{Error, Launch, RankContext, ReduceOp, Result};

fn all_reduce(rank: &RankContext, site: &str) -> Result<Tensor> {
    rank.world
        .all_reduce(Tensor::from_slice(&[1.0f32]), ReduceOp::Sum, site)
}

/// What the ranks other than the failing one saw, and what the job failed with.
fn witnesses(
    options: &Launch,
    body: impl Fn(&RankContext) -> Result<()> + Sync,
) -> (Vec<String>, String) {
    let seen = Mutex::new(Vec::new());
    let text = failure(options, |rank| {
        body(rank).inspect_err(|error| seen.lock().unwrap().push(error.to_string()))
    });
    (seen.into_inner().unwrap(), text)
}

#[test]
fn an_error_names_rank_message_and_where_the_others_waited() {
    let start = Instant::now();
    let (seen, text) = witnesses(&local(3, 60), |rank| {
        rank.world.barrier("first")?;
        if rank.rank() == 1 {
            return Err(fault("the disk is full"));
        }
        all_reduce(rank, "model.norm").map(drop)
    });
    assert!(
        text.starts_with("rank 1 failed:") && text.contains("the disk is full"),
        "{text}"
    );
    assert_eq!(seen.len(), 3);
    for text in seen.iter().filter(|text| text.contains("cannot go on")) {
        assert!(text.contains("in all_reduce for `model.norm`"), "{text}");
        assert!(
            text.contains("rank 1 failed:") && text.contains("the disk is full"),
            "{text}"
        );
    }
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_panic_ends_the_job_even_when_the_others_sleep() {
    let text = failure(&local(4, 60), |rank| {
        if rank.rank() == 2 {
            std::thread::sleep(Duration::from_millis(100));
            panic!("index {} is out of range", 7);
        }
        rank.world.barrier("start")
    });
    assert_eq!(text, "rank 2 panicked: index 7 is out of range");
}

#[test]
fn a_rank_that_never_arrives_is_named() {
    let gave_up = Barrier::new(3);
    let (seen, text) = witnesses(&local(3, 1), |rank| {
        if rank.rank() == 1 {
            gave_up.wait();
            return all_reduce(rank, "late").map(drop);
        }
        let outcome = all_reduce(rank, "late").map(drop);
        gave_up.wait();
        outcome
    });
    assert!(
        text.contains("in all_reduce for `late` gave up after 1s: rank 1 did not arrive"),
        "{text}"
    );
    assert_eq!(seen.len(), 3, "the late rank fails too: {seen:?}");
}

#[test]
fn a_rank_that_returned_early_is_named_at_once() {
    let start = Instant::now();
    let text = failure(&local(2, 60), |rank| match rank.rank() {
        0 => all_reduce(rank, "extra").map(drop),
        _ => Ok(()),
    });
    assert!(
        text.contains("waits for rank 1, which has finished without this call"),
        "{text}"
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn different_shapes_name_both_ranks_and_calls() {
    let (seen, _) = witnesses(&local(2, 20), |rank| {
        let tensor = Tensor::zeros([2 + rank.rank() as i64, 3], (Kind::Float, Device::Cpu));
        rank.world
            .all_reduce(tensor, ReduceOp::Sum, "hidden")
            .map(drop)
    });
    assert_eq!(seen.len(), 2);
    for text in seen {
        for part in [
            "rank 0 calls all_reduce(Sum) of Float [2, 3]",
            "rank 1 calls",
            "[3, 3]",
            "`hidden`",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}

#[test]
fn different_collectives_name_both_ranks_and_calls() {
    let (seen, _) = witnesses(&local(2, 20), |rank| match rank.rank() {
        0 => rank.world.barrier("save"),
        _ => all_reduce(rank, "loss").map(drop),
    });
    assert_eq!(seen.len(), 2);
    for text in seen {
        assert!(text.contains("rank 0 calls barrier for `save`"), "{text}");
        assert!(
            text.contains("rank 1 calls all_reduce(Sum) of Float [1] on Cpu for `loss`"),
            "{text}"
        );
    }
}

#[test]
fn different_kinds_ops_and_chunks_are_faults() {
    let on_two = |body: &(dyn Fn(&RankContext) -> Result<Tensor> + Sync)| {
        failure(&local(2, 20), |rank| body(rank).map(drop))
    };
    let text = on_two(&|rank| {
        let kind = [Kind::Float, Kind::Half][rank.rank()];
        rank.world.all_reduce(
            Tensor::zeros([2], (kind, Device::Cpu)),
            ReduceOp::Sum,
            "kinds",
        )
    });
    assert!(
        text.contains("of Float [2]") && text.contains("of Half [2]"),
        "{text}"
    );
    let text = on_two(&|rank| {
        let op = [ReduceOp::Sum, ReduceOp::Max][rank.rank()];
        rank.world
            .all_reduce(Tensor::zeros([2], (Kind::Float, Device::Cpu)), op, "ops")
    });
    assert!(
        text.contains("all_reduce(Sum)") && text.contains("all_reduce(Max)"),
        "{text}"
    );
    let text = on_two(&|rank| {
        let tensor = Tensor::zeros([4, 3], (Kind::Float, Device::Cpu));
        rank.world.all_gather(&tensor, 0, 7, "rows")
    });
    assert!(text.contains("rank 1 in all_gather for `rows`"), "{text}");
    assert!(
        text.contains("[4, 3] is not this rank's chunk of dimension 0"),
        "{text}"
    );
    let text = on_two(&|rank| {
        let tensor = Tensor::zeros([4], (Kind::Bool, Device::Cpu));
        rank.world.all_reduce(tensor, ReduceOp::Sum, "mask")
    });
    assert!(text.contains("Bool cannot be reduced"), "{text}");
}

#[test]
fn ranks_agree_on_a_failure_of_one() {
    let (seen, text) = witnesses(&local(3, 20), |rank| {
        let outcome = if rank.rank() == 2 {
            Err(fault("no such file"))
        } else {
            Ok(5)
        };
        assert_eq!(rank.world.agree(Ok::<_, Error>(4), "fine")?, 4);
        rank.world.agree(outcome, "load").map(drop)
    });
    assert_eq!(seen.len(), 3);
    assert!(
        seen.iter().all(|text| text.contains("no such file")),
        "{seen:?}"
    );
    assert!(
        text.starts_with("rank 2 failed:") && text.matches("rank").count() == 1,
        "{text}"
    );
}

#[test]
fn a_failure_inside_a_subgroup_reaches_the_whole_job() {
    let text = failure(&local(4, 60), |rank| {
        let first = rank.world.subgroup(&[0, 1])?;
        let second = rank.world.subgroup(&[2, 3])?;
        let group = first.or(second).unwrap();
        if rank.rank() == 3 {
            return Err(fault("lost"));
        }
        group.barrier("half")?;
        rank.world.barrier("all")
    });
    assert!(text.starts_with("rank 3 failed"), "{text}");
}

#[test]
fn a_failure_in_backward_surfaces_from_backward() {
    let text = failure(&local(2, 60), |rank| {
        let world = rank.world.clone();
        let input = Tensor::from_slice(&[1.0f32]).set_requires_grad(true);
        let number = rank.rank();
        let output = with_backward(&input, input.detach(), move |gradient| {
            if number == 1 {
                return Err(fault("gradient overflow"));
            }
            world.all_reduce(gradient, ReduceOp::Sum, "backward of q_proj")
        })?;
        Ok(output.f_backward()?)
    });
    assert!(
        text.starts_with("rank 1 failed:") && text.contains("gradient overflow"),
        "{text}"
    );
}
