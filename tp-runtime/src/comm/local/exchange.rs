//! The one primitive of the local group: every rank shows its tensor, looks at all of them, and takes
//! its own back once all have looked.

use std::cell::UnsafeCell;
use std::ops::Index;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use super::super::job::Job;

/// How many exchanges a rank may begin before it completes the first.
pub(super) const RING: usize = 64;

/// The memory that the ranks of a group share.
struct Exchange<T> {
    lanes: Vec<Lane<T>>,
    /// The ranks' numbers in the job.
    ranks: Vec<usize>,
    job: Arc<Job>,
}

/// What one rank writes and all ranks read; aligned so that two ranks never write one cache line.
#[repr(align(128))]
struct Lane<T> {
    /// How many exchanges the rank has begun.
    shown: AtomicU64,
    /// In how many it has looked at the others.
    looked: AtomicU64,
    slots: Box<[UnsafeCell<Option<T>>]>,
}

// SAFETY: a slot is written by its own rank only (`Seat` is unique per rank and takes `&mut self`), and only
// while no other rank reads it: before `shown` passes it, or after every rank's `looked` has.
unsafe impl<T: Send + Sync> Sync for Exchange<T> {}

/// A rank's place in an exchange; there is one per rank.
pub(super) struct Seat<T> {
    exchange: Arc<Exchange<T>>,
    rank: usize,
    shown: u64,
    done: u64,
}

/// Why an exchange did not complete. Ranks are the group's.
pub(super) enum Interrupt {
    Failed,
    Left(usize),
    TimedOut(Vec<usize>),
}

/// What the ranks show in one exchange, by rank.
pub(super) struct Shown<'a, T> {
    exchange: &'a Exchange<T>,
    sequence: u64,
}

/// The seats of a new group of the job's ranks `ranks`.
pub(super) fn seats<T>(job: &Arc<Job>, ranks: &[usize]) -> Vec<Seat<T>> {
    let lane = || Lane {
        shown: AtomicU64::new(0),
        looked: AtomicU64::new(0),
        slots: (0..RING).map(|_| UnsafeCell::new(None)).collect(),
    };
    let exchange = Arc::new(Exchange {
        lanes: ranks.iter().map(|_| lane()).collect(),
        ranks: ranks.to_vec(),
        job: job.clone(),
    });
    let seat = |rank| Seat {
        exchange: exchange.clone(),
        rank,
        shown: 0,
        done: 0,
    };
    (0..ranks.len()).map(seat).collect()
}

impl<T> Seat<T> {
    /// The rank in the group.
    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    /// The ranks' numbers in the job.
    pub(super) fn ranks(&self) -> &[usize] {
        &self.exchange.ranks
    }

    /// What the ranks of this process share.
    pub(super) fn job(&self) -> &Arc<Job> {
        &self.exchange.job
    }

    /// How many exchanges have begun.
    pub(super) fn shown(&self) -> u64 {
        self.shown
    }

    /// How many exchanges are complete.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// What this rank shows in the oldest exchange under way.
    pub(super) fn oldest(&self) -> Option<&T> {
        // SAFETY: only this seat writes the slot, through `&mut self`.
        unsafe { (*self.slot(self.done).get()).as_ref() }
    }

    /// Begins an exchange by showing `value`; waits for nobody.
    ///
    /// # Panics
    /// When `RING` exchanges are under way.
    pub(super) fn show(&mut self, value: T) {
        assert!(
            self.shown - self.done < RING as u64,
            "too many exchanges are under way"
        );
        // SAFETY: this slot held an exchange that is complete, so no rank reads it until `shown` grows.
        unsafe { *self.slot(self.shown).get() = Some(value) };
        self.shown += 1;
        self.exchange.lanes[self.rank]
            .shown
            .store(self.shown, SeqCst);
        self.exchange.job.notify();
    }

    /// Completes the oldest exchange under way: once all ranks have shown, looks at their values; once
    /// all have looked, gives this rank's value back.
    pub(super) fn complete<R>(
        &mut self,
        timeout: Duration,
        look: impl FnOnce(Shown<'_, T>) -> R,
    ) -> Result<(R, T), Interrupt> {
        let sequence = self.done;
        self.wait(timeout, |lane| lane.shown.load(SeqCst) > sequence)?;
        let seen = look(Shown {
            exchange: &self.exchange,
            sequence,
        });
        self.exchange.lanes[self.rank]
            .looked
            .store(sequence + 1, SeqCst);
        self.exchange.job.notify();
        self.wait(timeout, |lane| lane.looked.load(SeqCst) > sequence)?;
        // SAFETY: every rank has looked, so this rank is the slot's only user again.
        let value = unsafe { (*self.slot(sequence).get()).take() };
        self.done += 1;
        Ok((
            seen,
            value.expect("`show` filled the slot and only `complete` empties it"),
        ))
    }

    fn slot(&self, sequence: u64) -> &UnsafeCell<Option<T>> {
        &self.exchange.lanes[self.rank].slots[sequence as usize % RING]
    }

    fn wait(&self, timeout: Duration, ready: impl Fn(&Lane<T>) -> bool) -> Result<(), Interrupt> {
        let Exchange { lanes, ranks, job } = &*self.exchange;
        let gone = || {
            let missing = |rank: &usize| job.has_left(ranks[*rank]) && !ready(&lanes[*rank]);
            (0..lanes.len()).find(missing)
        };
        let all_ready = || lanes.iter().all(&ready);
        let in_time = job.wait(timeout, || all_ready() || gone().is_some());
        // Completion counts even when a rank has failed since.
        if all_ready() {
            Ok(())
        } else if !in_time {
            Err(Interrupt::TimedOut(
                (0..lanes.len())
                    .filter(|&rank| !ready(&lanes[rank]))
                    .collect(),
            ))
        } else {
            Err(gone().map_or(Interrupt::Failed, Interrupt::Left))
        }
    }
}

impl<T> Shown<'_, T> {
    /// How many ranks there are.
    pub(super) fn len(&self) -> usize {
        self.exchange.lanes.len()
    }

    /// The ranks' numbers in the job.
    pub(super) fn ranks(&self) -> &[usize] {
        &self.exchange.ranks
    }

    /// Every rank's value, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len()).map(|rank| &self[rank])
    }
}

impl<T> Index<usize> for Shown<'_, T> {
    type Output = T;

    fn index(&self, rank: usize) -> &T {
        let slot = &self.exchange.lanes[rank].slots[self.sequence as usize % RING];
        // SAFETY: `Shown` exists only inside `complete`'s `look`: every rank has shown this exchange, and
        // none takes its value back before this rank has looked.
        let value = unsafe { &*slot.get() };
        value
            .as_ref()
            .expect("`complete` waits until every slot is filled")
    }
}
