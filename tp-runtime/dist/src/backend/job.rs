//! What the ranks of one process know of each other's fate, and where they sleep.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::RankFailure;

/// How long a rank yields its core before it sleeps.
const YIELD: Duration = Duration::from_micros(500);

/// Polls before the first yield: a few microseconds, since the awaited rank may need this core.
const SPINS: usize = 100;

/// The ranks of one process, shared by all their process groups. Ranks are counted in the world.
pub struct Job {
    /// In the order they came.
    failures: Mutex<Vec<RankFailure>>,
    /// Whether any rank has failed.
    failed: AtomicBool,
    /// The ranks that have seen another one fail.
    disturbed: Vec<AtomicBool>,
    /// The ranks that have returned.
    left: Vec<AtomicBool>,
    /// How many have; read before `left`, which is longer.
    left_count: AtomicUsize,
    asleep: AtomicUsize,
    /// How often sleeping ranks were woken.
    wakes: Mutex<u64>,
    wake: Condvar,
    spins: usize,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// What was waited for is there.
    Ready,
    /// A rank of the job has failed.
    Failed,
    /// The time is over.
    TimedOut,
}

impl Job {
    /// A job of `size` ranks.
    pub(crate) fn new(size: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            failures: Mutex::new(Vec::new()),
            failed: AtomicBool::new(false),
            disturbed: (0..size).map(|_| AtomicBool::new(false)).collect(),
            left: (0..size).map(|_| AtomicBool::new(false)).collect(),
            left_count: AtomicUsize::new(0),
            asleep: AtomicUsize::new(0),
            wakes: Mutex::new(0),
            wake: Condvar::new(),
            // With fewer cores than ranks, the awaited rank needs this one's core.
            spins: if size <= cores { SPINS } else { 0 },
        }
    }

    /// Records a failure, and ends every wait with it.
    pub fn fail(&self, failure: RankFailure) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(failure);
        self.failed.store(true, SeqCst);
        self.notify();
    }

    /// Records that what `rank` may report from now on follows from another rank's failure.
    pub fn disturb(&self, rank: usize) {
        self.disturbed[rank].store(true, SeqCst);
    }

    /// The failure that the others follow from, if any rank has failed.
    pub fn failure(&self) -> Option<RankFailure> {
        if !self.failed.load(SeqCst) {
            return None;
        }
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let cause = failures
            .iter()
            .find(|failure| !self.disturbed[failure.rank].load(SeqCst));
        cause.or(failures.first()).cloned()
    }

    /// Records that a rank has returned, and wakes the ranks that wait for it.
    pub(crate) fn leave(&self, rank: usize) {
        self.left[rank].store(true, SeqCst);
        self.left_count.fetch_add(1, SeqCst);
        self.notify();
    }

    /// Whether a rank has returned.
    pub fn has_left(&self, rank: usize) -> bool {
        self.left_count.load(SeqCst) > 0 && self.left[rank].load(SeqCst)
    }

    /// Wakes the waiting ranks, so that they poll again. Called after what they wait for has changed.
    pub fn notify(&self) {
        if self.asleep.load(SeqCst) > 0 {
            *self.wakes() += 1;
            self.wake.notify_all();
        }
    }

    /// Polls `ready` until it holds or any rank has failed: spins, then yields, then sleeps, so that a
    /// short wait costs no system call and a long one no core. It may itself call [`notify`](Self::notify).
    pub fn wait(&self, timeout: Duration, mut ready: impl FnMut() -> bool) -> Wait {
        let mut poll = || {
            // In this order: what is there counts even when a rank has failed since.
            let failed = self.failed.load(SeqCst);
            match ready() {
                true => Some(Wait::Ready),
                false => failed.then_some(Wait::Failed),
            }
        };
        for _ in 0..self.spins {
            if let Some(end) = poll() {
                return end;
            }
            std::hint::spin_loop();
        }
        let start = Instant::now();
        while start.elapsed() < YIELD.min(timeout) {
            if let Some(end) = poll() {
                return end;
            }
            std::thread::yield_now();
        }
        self.asleep.fetch_add(1, SeqCst);
        // A time that no clock reaches is no deadline.
        let end = self.sleep(start.checked_add(timeout), poll);
        self.asleep.fetch_sub(1, SeqCst);
        end
    }

    /// Polls between sleeps; to be counted in `asleep` meanwhile.
    fn sleep(&self, deadline: Option<Instant>, mut poll: impl FnMut() -> Option<Wait>) -> Wait {
        loop {
            // Read before the poll: a change after the poll is a wake after this.
            let before = *self.wakes();
            if let Some(end) = poll() {
                return end;
            }
            let mut wakes = self.wakes();
            while *wakes == before {
                let Some(deadline) = deadline else {
                    wakes = self
                        .wake
                        .wait(wakes)
                        .unwrap_or_else(PoisonError::into_inner);
                    continue;
                };
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Wait::TimedOut;
                }
                let woken = self.wake.wait_timeout(wakes, left);
                wakes = woken.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn wakes(&self) -> MutexGuard<'_, u64> {
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
