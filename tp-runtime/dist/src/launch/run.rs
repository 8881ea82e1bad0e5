//! Runs ranks on threads and finds out how they fared.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::{LaunchError, RankContext};
use crate::backend::{Job, Member, Registration};
use crate::{ProcessGroup, RankFailure, Result};

/// What main threads have: backward passes run on the ranks' own threads.
const STACK: usize = 8 << 20;

/// A rank that is about to start.
pub(super) struct Rank {
    pub(super) backend: &'static Registration,
    pub(super) member: Member,
    /// libtorch's threads.
    pub(super) threads: usize,
}

/// How a rank ended.
type Outcome<T, E> = Result<T, LaunchError<E>>;

/// Runs `body` on every rank given and returns the first one's value.
pub(super) fn run<T: Send, E: Display + Send>(
    job: &Job,
    ranks: Vec<Rank>,
    body: &(impl Fn(RankContext) -> Result<T, E> + Sync),
) -> Outcome<T, E> {
    let outcomes = thread::scope(|scope| {
        let spawn = |rank: Rank| {
            let number = rank.member.rank;
            let thread = thread::Builder::new()
                .name(format!("rank {number}"))
                .stack_size(STACK)
                .spawn_scoped(scope, move || report(job, number, outcome(rank, body)));
            if let Err(error) = &thread {
                job.fail(RankFailure {
                    rank: number,
                    panicked: false,
                    message: format!("its thread cannot start: {error}"),
                });
            }
            (number, thread)
        };
        let threads: Vec<_> = ranks.into_iter().map(spawn).collect();
        let join = |(number, thread): (usize, std::io::Result<thread::ScopedJoinHandle<'_, _>>)| {
            Some((number, thread.ok()?.join().ok()?))
        };
        threads.into_iter().filter_map(join).collect::<Vec<_>>()
    });
    verdict(job, outcomes)
}

/// The value of the lowest rank, or what the first rank that failed by itself ended with.
fn verdict<T, E>(job: &Job, outcomes: Vec<(usize, Outcome<T, E>)>) -> Outcome<T, E> {
    let cause = job.failure();
    let mut values = Vec::new();
    for (rank, outcome) in outcomes {
        match outcome {
            Ok(value) => values.push(value),
            Err(error) if cause.as_ref().is_some_and(|cause| cause.rank == rank) => {
                return Err(error);
            }
            Err(_) => {}
        }
    }
    match (cause, values.into_iter().next()) {
        (Some(failure), _) => Err(LaunchError::Unreturned(failure)),
        (None, Some(value)) => Ok(value),
        (None, None) => unreachable!("a rank without a value has recorded its failure"),
    }
}

/// Tells the other ranks how one ended.
fn report<T, E: Display>(job: &Job, rank: usize, outcome: Outcome<T, E>) -> Outcome<T, E> {
    let (panicked, message) = match &outcome {
        Ok(_) => {
            job.leave(rank);
            return outcome;
        }
        Err(LaunchError::Panicked { message, .. }) => (true, message.clone()),
        // `{:#}` writes the whole chain of an error that has one.
        Err(LaunchError::Failed { error, .. }) => (false, format!("{error:#}")),
        Err(LaunchError::Join { error, .. }) => (false, error.to_string()),
        Err(other) => (false, other.to_string()),
    };
    job.fail(RankFailure {
        rank,
        panicked,
        message,
    });
    outcome
}

/// Runs a rank on this thread.
fn outcome<T, E>(rank: Rank, body: impl Fn(RankContext) -> Result<T, E>) -> Outcome<T, E> {
    let number = rank.member.rank;
    let run = || {
        let context = rank.join();
        let context = context.map_err(|error| LaunchError::Join {
            rank: number,
            error,
        })?;
        body(context).map_err(|error| LaunchError::Failed {
            rank: number,
            error,
        })
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        let message = crate::panic::message(&*payload).to_owned();
        Err(LaunchError::Panicked {
            rank: number,
            message,
        })
    })
}

impl Rank {
    /// Prepares the thread and meets the other ranks.
    fn join(self) -> Result<RankContext> {
        let threads = i32::try_from(self.threads).unwrap_or(i32::MAX);
        tch::set_num_threads(threads);
        crate::ffi::run_backward_on_this_thread()?;
        let device = self.member.device;
        let world = ProcessGroup::connect(self.backend, self.member)?;
        Ok(RankContext { world, device })
    }
}
