//! A rank's side of a local group.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tch::Tensor;

use super::contribution::Contribution;
use super::progress::Progress;
use super::rank::LocalRank;
use super::rounds::Endpoint;
use super::subgroup::{Membership, Subgroups};
use crate::backend::{Backend, Member, Pending, Request, Wait};
use crate::{CommError, RankFailure, Result};

/// One rank of a group whose ranks are threads of this process.
struct LocalGroup(Arc<Inner>);

pub(super) struct Inner {
    rank: Arc<LocalRank>,
    /// The ranks' numbers in the world.
    ranks: Vec<usize>,
    timeout: Duration,
    /// Locked during a collective: a rank makes one at a time.
    pub(super) progress: Mutex<Progress>,
    /// Shared with the other ranks of the group.
    subgroups: Arc<Subgroups>,
}

/// A collective that a local group has begun.
struct LocalWork {
    group: Arc<Inner>,
    round: u64,
}

/// Meets the ranks of the world, which are the threads of this process.
pub(super) fn connect(member: Member) -> Result<Box<dyn Backend>> {
    let meeting = member.rendezvous.shared(Subgroups::default);
    let meeting = meeting.expect("`joins_processes` is false");
    let everyone: Vec<usize> = (0..member.world_size).collect();
    let membership = meeting.meet(0, (member.rank, member.world_size), &everyone);
    let membership = membership
        .ok()
        .flatten()
        .expect("every rank joins the world");
    let rank = Arc::new(LocalRank::new(member.rank, member.job));
    let world = LocalGroup::new(rank, everyone, member.timeout, membership);
    Ok(Box::new(world))
}

impl LocalGroup {
    fn new(
        rank: Arc<LocalRank>,
        ranks: Vec<usize>,
        timeout: Duration,
        membership: Membership,
    ) -> Self {
        let group = Arc::new(Inner {
            rank: rank.clone(),
            ranks,
            timeout,
            progress: Mutex::new(Progress::new(membership.endpoint)),
            subgroups: membership.subgroups,
        });
        rank.add(&group);
        Self(group)
    }
}

impl Backend for LocalGroup {
    fn start(&self, request: Request, tensor: Tensor) -> Result<Box<dyn Pending>> {
        let group = &self.0;
        let number = group.rank.number;
        let contribution = tch::no_grad(|| Contribution::new(request, tensor, number))?;
        let mut progress = group.progress();
        if let Some(error) = &progress.interrupted {
            return Err(error.clone().into());
        }
        if progress.endpoint.is_full() {
            group.complete_oldest(&mut progress)?;
        }
        let round = progress.endpoint.published();
        progress.endpoint.publish(contribution);
        group.rank.job.notify();
        Ok(Box::new(LocalWork {
            group: group.clone(),
            round,
        }))
    }

    fn subgroup(&self, members: &[usize], timeout: Duration) -> Result<Option<Box<dyn Backend>>> {
        let group = &self.0;
        let mut progress = group.progress();
        let index = progress.subgroups;
        progress.subgroups += 1;
        let place = (progress.endpoint.rank(), group.ranks.len());
        let membership = group.subgroups.meet(index, place, members);
        let membership = membership.map_err(|others| CommError::Mismatch {
            ours: format!("rank {} makes the subgroup {members:?}", group.rank.number),
            theirs: format!("another rank makes {others:?}"),
        })?;
        Ok(membership.map(|membership| -> Box<dyn Backend> {
            let ranks = members.iter().map(|&member| group.ranks[member]).collect();
            Box::new(Self::new(group.rank.clone(), ranks, timeout, membership))
        }))
    }
}

impl Inner {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        let progress = self.progress.lock();
        progress.expect("no rank goes on after a panic inside a collective")
    }

    /// Waits until the oldest round under way is complete.
    fn complete_oldest(&self, progress: &mut Progress) -> Result<(), CommError> {
        if let Some(error) = &progress.interrupted {
            return Err(error.clone());
        }
        let job = &self.rank.job;
        let oldest = progress.endpoint.completed();
        let mut gone = None;
        let wait = job.wait(self.timeout, || {
            progress.advance(job);
            if progress.endpoint.completed() > oldest {
                return true;
            }
            gone = self.gone(&progress.endpoint);
            if gone.is_none() {
                self.rank.advance_others();
            }
            gone.is_some()
        });
        if progress.endpoint.completed() > oldest {
            return Ok(());
        }
        let error = self.explain(&progress.endpoint, wait, gone);
        progress.interrupted = Some(error.clone());
        Err(error)
    }

    /// A rank that has returned, though the oldest round waits for it.
    fn gone(&self, endpoint: &Endpoint<Contribution>) -> Option<usize> {
        let ranks = self.ranks.iter().enumerate();
        let mut gone = ranks
            .filter(|&(rank, &number)| self.rank.job.has_left(number) && endpoint.waits_for(rank));
        gone.next().map(|(_, &number)| number)
    }

    /// Puts into words why the oldest round will never complete.
    fn explain(
        &self,
        endpoint: &Endpoint<Contribution>,
        wait: Wait,
        gone: Option<usize>,
    ) -> CommError {
        let LocalRank { number, job, .. } = &*self.rank;
        let own = endpoint.oldest().expect("a round is under way");
        let who = own.request.participant(*number);
        if let Some(peer) = gone {
            return CommError::PeerLeft { who, peer };
        }
        match job.failure() {
            Some(failure) if wait == Wait::Failed => CommError::PeerFailed { who, failure },
            _ => {
                let late = (0..self.ranks.len()).filter(|&rank| endpoint.waits_for(rank));
                let error = CommError::TimedOut {
                    who,
                    missing: late.map(|rank| self.ranks[rank]).collect(),
                    timeout: self.timeout,
                };
                // Nobody may wait for this round again.
                job.fail(RankFailure {
                    rank: *number,
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
        while progress.endpoint.completed() <= self.round {
            self.group.complete_oldest(&mut progress)?;
        }
        let result = progress.take(self.round);
        result.expect("a round has one handle, which takes its result once")
    }
}
