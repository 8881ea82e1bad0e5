//! What a job gives back.

mod ranks;

use std::fmt;

use ranks::local;
use tch::Tensor;
use tp_dist::{CommError, Error, Launch, LaunchError, ReduceOp, SetupError, launch};

/// An error of the closure's own.
#[derive(Debug, PartialEq)]
enum Trouble {
    DiskFull { free: u64 },
    Comm(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Comm(error.to_string())
    }
}

#[test]
fn the_lowest_rank_s_value_comes_back() {
    let value = launch(&local(3, 20), |rank| Ok::<_, String>(rank.rank() * 10 + 5));
    assert_eq!(value.unwrap(), 5);
}

#[test]
fn the_error_of_the_rank_that_failed_first_can_be_matched() {
    let outcome = launch(&local(3, 20), |rank| {
        if rank.rank() == 1 {
            return Err(Trouble::DiskFull { free: 7 });
        }
        Ok(rank.world.barrier("saving")?)
    });
    match outcome {
        Err(LaunchError::Failed { rank: 1, error }) => {
            assert_eq!(error, Trouble::DiskFull { free: 7 });
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn so_can_a_fault_of_a_collective() {
    let outcome = launch(&local(2, 20), |rank| match rank.rank() {
        0 => rank.world.barrier("extra"),
        _ => Ok(()),
    });
    let Err(LaunchError::Failed { rank: 0, error }) = outcome else {
        panic!("{outcome:?}");
    };
    let left = matches!(&error, Error::Comm(CommError::PeerLeft { peer: 1, .. }));
    assert!(left, "{error:?}");
}

#[test]
fn a_panic_is_told_from_an_error() {
    let outcome = launch(&local(2, 20), |rank| match rank.rank() {
        1 => panic!("index {} is out of range", 7),
        _ => rank.world.barrier("start"),
    });
    match outcome {
        Err(LaunchError::Panicked { rank: 1, message }) => {
            assert_eq!(message, "index 7 is out of range");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failure_that_nobody_was_told_of_is_one() {
    let outcome = launch(&local(2, 20), |rank| {
        if rank.rank() == 0 {
            let own = Tensor::from_slice(&[1.0f32]);
            drop(rank.world.start_all_reduce(own, ReduceOp::Sum, "dropped"));
        }
        Ok::<_, Error>(())
    });
    let Err(LaunchError::Unreturned(failure)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(failure.rank, 0);
    assert!(failure.message.contains("`dropped`"), "{failure}");
}

#[test]
fn errors_of_any_type_are_printed_with_their_rank() {
    let error = launch(&local(1, 5), |_| Err::<(), _>("just text")).unwrap_err();
    assert_eq!(error.to_string(), "rank 0 failed: just text");
}

#[test]
fn a_job_needs_ranks_and_a_backend_that_there_is() {
    let start = |options: &Launch| launch(options, |_| Ok::<_, String>(())).unwrap_err();
    let error = start(&local(0, 5));
    assert!(matches!(error, LaunchError::Setup(SetupError::NoRanks)));
    let error = start(&local(usize::MAX, 5)).to_string();
    assert!(error.contains("at most 1024 ranks"), "{error}");
    let error = start(&Launch {
        backend: Some("telepathy"),
        ..local(2, 5)
    });
    assert_eq!(
        error.to_string(),
        "no backend is called `telepathy`: this program has `gloo`, `local`"
    );
}
