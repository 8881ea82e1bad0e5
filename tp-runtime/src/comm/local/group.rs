//! A rank's side of a local group.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tch::Tensor;

use super::super::job::Job;
use super::super::work::Pending;
use super::super::{Backend, Call, CommError, Failure};
use super::compute::{Entry, compute};
use super::exchange::{Interrupt, RING, Seat, Shown, seats};
use super::subgroup::Rendezvous;
use crate::Result;

/// One rank of a group whose ranks are threads of this process.
pub(in super::super) struct LocalGroup(Arc<Inner>);

struct Inner {
    timeout: Duration,
    /// Locked during a collective: a rank makes one at a time.
    progress: Mutex<Progress>,
    rendezvous: Arc<Rendezvous>,
}

/// The collectives under way. They complete in the order they began, on every rank alike, whatever the order of
/// the waits; that is why no two ranks can wait for each other.
struct Progress {
    seat: Seat<Entry>,
    /// Results that nobody has asked for yet, by sequence number.
    results: HashMap<u64, Result<Tensor>>,
    /// How many subgroups were made.
    subgroups: usize,
}

/// A collective that a local group has begun.
struct LocalWork {
    group: Arc<Inner>,
    sequence: u64,
}

impl LocalGroup {
    /// The groups of `ranks`, numbers in the job, one for each of them.
    pub(in super::super) fn groups(
        job: &Arc<Job>,
        ranks: &[usize],
        timeout: Duration,
    ) -> Vec<Self> {
        let rendezvous = Arc::new(Rendezvous::default());
        let group = |seat| {
            let progress = Progress {
                seat,
                results: HashMap::new(),
                subgroups: 0,
            };
            let progress = Mutex::new(progress);
            Self(Arc::new(Inner {
                timeout,
                progress,
                rendezvous: rendezvous.clone(),
            }))
        };
        seats(job, ranks).into_iter().map(group).collect()
    }
}

impl Backend for LocalGroup {
    fn start(&self, call: Call, tensor: Tensor) -> Result<Box<dyn Pending>> {
        let mut progress = self.0.progress();
        let entry = tch::no_grad(|| Entry::new(call, tensor, progress.rank()))?;
        if progress.seat.shown() - progress.seat.done() == RING as u64 {
            let sequence = progress.seat.done();
            let result = progress.complete(self.0.timeout)?;
            progress.results.insert(sequence, result);
        }
        let sequence = progress.seat.shown();
        progress.seat.show(entry);
        Ok(Box::new(LocalWork {
            group: self.0.clone(),
            sequence,
        }))
    }

    fn subgroup(&self, ranks: &[usize]) -> Result<Option<Box<dyn Backend>>> {
        let mut progress = self.0.progress();
        let index = progress.subgroups;
        progress.subgroups += 1;
        let (rank, parents) = (progress.seat.rank(), progress.seat.ranks());
        let make = || {
            let members: Vec<usize> = ranks.iter().map(|&rank| parents[rank]).collect();
            Self::groups(progress.seat.job(), &members, self.0.timeout)
        };
        match self
            .0
            .rendezvous
            .meet(index, (rank, parents.len()), ranks, make)
        {
            Ok(group) => Ok(group.map(|group| Box::new(group) as Box<dyn Backend>)),
            Err(others) => Err(CommError::Mismatch {
                ours: format!("rank {} makes the subgroup {ranks:?}", parents[rank]),
                theirs: format!("another rank makes {others:?}"),
            }
            .into()),
        }
    }
}

impl Inner {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// The rank's number in the job.
    fn rank(&self) -> usize {
        self.seat.ranks()[self.seat.rank()]
    }

    /// Completes the oldest collective under way. The outer error says that it is still under way, the
    /// inner one that the ranks are through with it.
    fn complete(&mut self, timeout: Duration) -> Result<Result<Tensor>> {
        let rank = self.seat.rank();
        let look = |shown: Shown<'_, Entry>| tch::no_grad(|| compute(rank, &shown));
        let interrupt = match self.seat.complete(timeout, look) {
            Ok((result, _)) => return Ok(result),
            Err(interrupt) => interrupt,
        };
        Err(self.explain(interrupt, timeout).into())
    }

    /// Puts into words why the oldest collective is still under way.
    fn explain(&self, interrupt: Interrupt, timeout: Duration) -> CommError {
        let (ranks, job) = (self.seat.ranks(), self.seat.job());
        let rank = self.rank();
        let entry = self.seat.oldest().expect("a collective is under way");
        let place = entry.call.place(rank);
        match interrupt {
            Interrupt::Failed => {
                let failure = job.failure().expect("a rank has failed");
                CommError::PeerFailed { place, failure }
            }
            Interrupt::Left(peer) => CommError::PeerLeft {
                place,
                peer: ranks[peer],
            },
            Interrupt::TimedOut(missing) => {
                let missing = missing.into_iter().map(|peer| ranks[peer]).collect();
                let error = CommError::TimedOut {
                    place,
                    missing,
                    timeout,
                };
                // The ranks are out of step from here on: nobody may wait for this one again.
                job.fail(Failure {
                    rank,
                    panicked: false,
                    message: error.to_string(),
                });
                error
            }
        }
    }
}

impl Pending for LocalWork {
    fn wait(self: Box<Self>) -> Result<Tensor> {
        let mut progress = self.group.progress();
        loop {
            if let Some(result) = progress.results.remove(&self.sequence) {
                return result;
            }
            let sequence = progress.seat.done();
            let result = progress.complete(self.group.timeout)?;
            progress.results.insert(sequence, result);
        }
    }

    fn finish(self: Box<Self>) {
        let group = self.group.clone();
        if let Err(error) = self.wait() {
            let progress = group.progress();
            let (rank, message) = (progress.rank(), error.to_string());
            progress.seat.job().fail(Failure {
                rank,
                panicked: false,
                message,
            });
        }
    }
}
