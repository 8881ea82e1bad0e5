//! Runs ranks on threads and finds out how they fared.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use tch::Device;

use super::{BackendKind, CommError, Launch, RankContext};
use crate::Result;
use crate::comm::job::Job;
use crate::comm::{Backend, Failure, ProcessGroup};

/// What main threads have: backward passes run on the ranks' own threads.
const STACK: usize = 8 << 20;

/// How a rank reaches the others; `None` when it is alone. Called on the rank's thread.
pub(super) type Connect = Box<dyn FnOnce() -> Result<Option<Box<dyn Backend>>> + Send>;

/// A rank that is about to start.
pub(super) struct Rank {
    pub(super) rank: usize,
    pub(super) device: Device,
    pub(super) threads: usize,
    pub(super) connect: Connect,
}

/// Runs `body` on every rank given and returns the first one's value.
pub(super) fn run<T: Send, E: Display>(
    options: &Launch,
    kind: BackendKind,
    job: &Arc<Job>,
    ranks: Vec<Rank>,
    body: &(impl Fn(RankContext) -> Result<T, E> + Sync),
) -> Result<T> {
    let start = |rank: Rank| {
        let number = rank.rank;
        report(job, number, || {
            let context = rank
                .enter(options, kind, job)
                .map_err(|error| error.to_string())?;
            // `{:#}` writes the whole chain of an error that has one.
            body(context).map_err(|error| format!("{error:#}"))
        })
    };
    let values = thread::scope(|scope| {
        let mut threads = Vec::new();
        for rank in ranks {
            let number = rank.rank;
            let thread = thread::Builder::new()
                .name(format!("rank {number}"))
                .stack_size(STACK);
            match thread.spawn_scoped(scope, || start(rank)) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    let message = format!("its thread cannot start: {error}");
                    job.fail(Failure {
                        rank: number,
                        panicked: false,
                        message,
                    });
                }
            }
        }
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap_or(None);
        threads.into_iter().map(join).collect::<Vec<Option<T>>>()
    });
    match (job.failure(), values.into_iter().next().flatten()) {
        (None, Some(value)) => Ok(value),
        (Some(failure), _) => Err(CommError::RankFailed(failure).into()),
        (None, None) => unreachable!("a rank without a value has recorded its failure"),
    }
}

/// Runs a rank and tells the others how it ended.
fn report<T>(
    job: &Job,
    rank: usize,
    start: impl FnOnce() -> std::result::Result<T, String>,
) -> Option<T> {
    let (panicked, message) = match catch_unwind(AssertUnwindSafe(start)) {
        Ok(Ok(value)) => {
            job.leave(rank);
            return Some(value);
        }
        Ok(Err(message)) => (false, message),
        Err(payload) => (true, crate::panic_message(&*payload).to_owned()),
    };
    job.fail(Failure {
        rank,
        panicked,
        message,
    });
    None
}

impl Rank {
    /// Prepares the thread and meets the other ranks.
    fn enter(self, options: &Launch, kind: BackendKind, job: &Arc<Job>) -> Result<RankContext> {
        let threads = i32::try_from(self.threads).unwrap_or(i32::MAX);
        tch::set_num_threads(threads);
        crate::ffi::run_backward_on_this_thread()?;
        let backend = (self.connect)()?;
        let everyone = (0..options.world_size).collect();
        let world = ProcessGroup::new(
            kind.name(),
            self.rank,
            everyone,
            options.timeout,
            backend,
            job.clone(),
        );
        Ok(RankContext {
            world,
            device: self.device,
        })
    }
}
