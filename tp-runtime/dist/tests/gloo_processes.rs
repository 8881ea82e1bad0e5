//! Gloo groups whose ranks are processes.

mod processes;

use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use processes::{finish, free_port, report, scenario, text};
use tch::{Kind, Tensor};
use tp_dist::{Launch, ProcessGroup, RankContext, ReduceOp, Result, launch};

/// What a rank's process runs; in the test run itself it has nothing to do.
#[test]
fn rank_process() {
    let Some(scenario) = scenario() else {
        return;
    };
    let options = Launch {
        backend: (scenario == "local").then_some("local"),
        timeout: Duration::from_secs(5),
        ..Launch::new(if scenario == "alone" { 1 } else { 2 })
    };
    report(launch(&options, |rank| rank_body(&scenario, &rank)));
}

fn rank_body(scenario: &str, rank: &RankContext) -> Result<String> {
    match scenario {
        "late" => meet_late(&rank.world.with_timeout(Duration::from_secs(1))?, 2),
        "late for the patient" => meet_late(&rank.world.with_timeout(Duration::MAX)?, 2),
        "never" => meet_late(&rank.world.with_timeout(Duration::MAX)?, 600),
        _ => add_up(scenario, rank),
    }
}

/// Rank 1 keeps the other one waiting for some seconds.
fn meet_late(group: &ProcessGroup, seconds: u64) -> Result<String> {
    group.barrier("start")?;
    println!("<started>");
    if group.rank() == 1 {
        sleep(Duration::from_secs(seconds));
    }
    group.barrier("saved")?;
    Ok("met".to_owned())
}

fn add_up(scenario: &str, rank: &RankContext) -> Result<String> {
    let mut sum = 0.0;
    loop {
        let own = Tensor::from_slice(&[rank.rank() as f32 + 1.0]);
        let total = rank.world.all_reduce(own, ReduceOp::Sum, "steps")?;
        sum += total.sum(Kind::Double).double_value(&[]);
        println!("<sum {sum}>");
        if (scenario == "three steps" && sum > 8.0) || scenario == "alone" {
            return Ok(format!(
                "rank {} of {}: {sum}",
                rank.rank(),
                rank.world_size()
            ));
        }
    }
}

/// Starts some ranks of so many, as `torchrun` would.
fn start(scenario: &str, ranks: Range<usize>, world_size: usize) -> Vec<Child> {
    let port = free_port();
    processes::start(scenario, ranks, |rank| {
        vec![
            ("RANK", rank.to_string()),
            ("LOCAL_RANK", rank.to_string()),
            ("WORLD_SIZE", world_size.to_string()),
            ("MASTER_ADDR", "127.0.0.1".into()),
            ("MASTER_PORT", port.clone()),
        ]
    })
}

#[test]
fn processes_meet_at_the_usual_variables() {
    for (rank, output) in finish(start("three steps", 0..2, 2)).iter().enumerate() {
        assert!(output.status.success(), "{}", text(&output.stderr));
        let expected = format!("<rank {rank} of 2: 9>");
        assert!(
            text(&output.stdout).contains(&expected),
            "{}",
            text(&output.stdout)
        );
    }
}

#[test]
fn a_process_alone_meets_nobody() {
    let alone = |scenario| {
        let variables = |_| vec![("RANK", "0".into()), ("WORLD_SIZE", "1".into())];
        processes::start(scenario, 0..1, variables)
    };
    let output = &finish(alone("alone"))[0];
    let (told, error) = (text(&output.stdout), text(&output.stderr));
    assert!(told.contains("<rank 0 of 1: 1>"), "{told}{error}");
    let error = text(&finish(alone("forever"))[0].stderr);
    assert!(
        error.contains("2 ranks are asked for, but WORLD_SIZE=1"),
        "{error}"
    );
}

/// Kills rank 1 once it has printed something, and gives back what rank 0 failed with and how soon.
fn killed_after(scenario: &str, printed: &str) -> (String, Duration) {
    let mut ranks = start(scenario, 0..2, 2);
    let output = BufReader::new(ranks[1].stdout.as_mut().unwrap());
    let mut lines = output.lines().map(|line| line.unwrap());
    assert!(lines.any(|line| line.contains(printed)), "no `{printed}`");
    ranks[1].kill().unwrap();
    let killed = Instant::now();
    let outputs = finish(ranks);
    let error = text(&outputs[0].stderr);
    assert_eq!(outputs[0].status.code(), Some(7), "{error}");
    (error, killed.elapsed())
}

#[test]
fn a_killed_process_ends_the_others() {
    let (error, after) = killed_after("forever", "<sum");
    assert!(after < Duration::from_secs(20), "the other rank hung");
    assert!(
        error.contains("rank 0 in all_reduce for `steps` failed in gloo"),
        "{error}"
    );
}

#[test]
fn a_killed_process_ends_a_wait_for_ever() {
    let (error, after) = killed_after("never", "<started>");
    assert!(after < Duration::from_secs(10), "the other rank hung");
    assert!(
        error.contains("rank 0 in barrier for `saved` failed in gloo"),
        "{error}"
    );
}

#[test]
fn processes_wait_as_long_as_their_group_says() {
    let error = text(&finish(start("late", 0..2, 2))[0].stderr);
    assert!(error.contains("in barrier for `saved`"), "{error}");
    for output in finish(start("late for the patient", 0..2, 2)) {
        let error = text(&output.stderr);
        assert!(output.status.success(), "{error}");
        assert!(text(&output.stdout).contains("<met>"), "{error}");
    }
}

#[test]
fn a_process_that_never_starts_is_a_timeout() {
    let error = text(&finish(start("forever", 0..1, 2))[0].stderr);
    assert!(
        error.contains("rank 0 cannot make a gloo process group of 2 ranks"),
        "{error}"
    );
}

#[test]
fn the_local_backend_and_other_world_sizes_are_refused() {
    let error = text(&finish(start("local", 0..2, 2))[0].stderr);
    assert!(
        error.contains("<the `local` backend joins threads of one process"),
        "{error}"
    );
    let error = text(&finish(start("forever", 0..3, 3))[0].stderr);
    assert!(
        error.contains("<2 ranks are asked for, but WORLD_SIZE=3"),
        "{error}"
    );
}
