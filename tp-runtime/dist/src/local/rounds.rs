//! Rounds in shared memory: in each, every rank publishes a value, reads the values of all ranks, and
//! takes its own back once all have read it.
//!
//! Nothing here waits: a step that another rank is not ready for is not done. `tests/rounds.rs` runs this
//! file through every order in which the ranks' steps can meet.

use std::ops::Index;

use super::sync::{Arc, AtomicU64, Ordering::SeqCst, UnsafeCell};

/// The memory that the ranks of a group share.
struct Shared<T> {
    rings: Vec<Ring<T>>,
}

/// What one rank writes and all ranks read; aligned so that two ranks never write one cache line.
#[repr(align(128))]
struct Ring<T> {
    /// In how many rounds the rank has published its value.
    published: AtomicU64,
    /// In how many it has read the values of all.
    read: AtomicU64,
    slots: Box<[UnsafeCell<Option<T>>]>,
}

// SAFETY: a slot is written by its own rank only (`Endpoint` is unique per rank and takes `&mut self`),
// and only while no other rank reads it: before `published` counts it, or after every rank's `read` does.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

/// A rank's end of the shared memory; there is one per rank.
pub(super) struct Endpoint<T> {
    shared: Arc<Shared<T>>,
    rank: usize,
    /// How many rounds have begun.
    published: u64,
    /// In how many this rank has read. Counted here before it reads, so that it never reads one twice.
    read: u64,
    /// How many are complete.
    completed: u64,
}

/// The values of all ranks in one round, by rank.
pub(super) struct Values<'a, T> {
    shared: &'a Shared<T>,
    round: u64,
}

/// The endpoints of `size` ranks, which may have `capacity` rounds under way.
pub(super) fn endpoints<T>(size: usize, capacity: usize) -> Vec<Endpoint<T>> {
    let ring = |_| Ring {
        published: AtomicU64::new(0),
        read: AtomicU64::new(0),
        slots: (0..capacity).map(|_| UnsafeCell::new(None)).collect(),
    };
    let shared = Arc::new(Shared {
        rings: (0..size).map(ring).collect(),
    });
    let endpoint = |rank| Endpoint {
        shared: shared.clone(),
        rank,
        published: 0,
        read: 0,
        completed: 0,
    };
    (0..size).map(endpoint).collect()
}

impl<T> Endpoint<T> {
    /// The rank in the group.
    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    /// How many rounds have begun.
    pub(super) fn published(&self) -> u64 {
        self.published
    }

    /// How many rounds are complete.
    pub(super) fn completed(&self) -> u64 {
        self.completed
    }

    /// Whether as many rounds are under way as there may be.
    pub(super) fn is_full(&self) -> bool {
        self.published - self.completed == self.own().slots.len() as u64
    }

    /// Begins a round.
    ///
    /// # Panics
    /// When the endpoint is full.
    pub(super) fn publish(&mut self, value: T) {
        assert!(!self.is_full(), "too many rounds are under way");
        self.slot(self.published).with_mut(|slot| {
            // SAFETY: the round that used this slot last is complete, so no rank reads it until
            // `published` grows.
            unsafe { *slot = Some(value) }
        });
        self.published += 1;
        self.own().published.store(self.published, SeqCst);
    }

    /// Reads the values of the next round, if every rank has published its own.
    pub(super) fn read<R>(&mut self, read: impl FnOnce(Values<'_, T>) -> R) -> Option<R> {
        let round = self.read;
        if !self.all(|ring| ring.published.load(SeqCst) > round) {
            return None;
        }
        self.read += 1;
        let shared = &*self.shared;
        let result = read(Values { shared, round });
        self.own().read.store(self.read, SeqCst);
        Some(result)
    }

    /// Completes the oldest round under way, if every rank has read: gives this rank's value back.
    pub(super) fn complete(&mut self) -> Option<T> {
        let round = self.completed;
        if !self.all(|ring| ring.read.load(SeqCst) > round) {
            return None;
        }
        self.completed += 1;
        // SAFETY: every rank has read this round, so this rank is the slot's only user again.
        self.slot(round).with_mut(|slot| unsafe { (*slot).take() })
    }

    /// This rank's value in the oldest round under way.
    pub(super) fn oldest(&self) -> Option<&T> {
        // SAFETY: only this endpoint writes the slot, through `&mut self`.
        self.slot(self.completed)
            .with(|slot| unsafe { (*slot).as_ref() })
    }

    /// Whether the oldest round under way waits for `rank`: to publish, or to read.
    pub(super) fn waits_for(&self, rank: usize) -> bool {
        let ring = &self.shared.rings[rank];
        if self.read > self.completed {
            ring.read.load(SeqCst) <= self.completed
        } else {
            ring.published.load(SeqCst) <= self.completed
        }
    }

    fn own(&self) -> &Ring<T> {
        &self.shared.rings[self.rank]
    }

    fn slot(&self, round: u64) -> &UnsafeCell<Option<T>> {
        self.own().slot(round)
    }

    fn all(&self, reached: impl Fn(&Ring<T>) -> bool) -> bool {
        self.shared.rings.iter().all(reached)
    }
}

impl<T> Ring<T> {
    fn slot(&self, round: u64) -> &UnsafeCell<Option<T>> {
        &self.slots[round as usize % self.slots.len()]
    }
}

impl<T> Values<'_, T> {
    /// How many ranks there are.
    pub(super) fn len(&self) -> usize {
        self.shared.rings.len()
    }

    /// Every rank's value, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len()).map(|rank| &self[rank])
    }
}

impl<T> Index<usize> for Values<'_, T> {
    type Output = T;

    fn index(&self, rank: usize) -> &T {
        let slot = self.shared.rings[rank].slot(self.round);
        // SAFETY: `Values` exists only inside `Endpoint::read`: every rank has published this round, and
        // none takes its value back before this rank's `read` counts it.
        let value = slot.with(|slot| unsafe { (*slot).as_ref() });
        value.expect("every rank has published this round")
    }
}
