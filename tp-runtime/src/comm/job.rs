//! What the ranks of one process know of each other's fate, and where they sleep.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Failure;

/// How long a rank yields its core before it sleeps.
const YIELD: Duration = Duration::from_micros(500);

/// Looks before the first yield: a few microseconds, since the awaited rank may need this core.
const SPINS: usize = 100;

/// The ranks of one process, shared by all their process groups.
pub(super) struct Job {
    /// In the order they came.
    failures: Mutex<Vec<Failure>>,
    /// Whether any rank has failed.
    failed: AtomicBool,
    /// The ranks that have seen another one fail.
    disturbed: Vec<AtomicBool>,
    /// The ranks that have returned.
    left: Vec<AtomicBool>,
    /// How many have; read before `left`, which is longer.
    left_count: AtomicUsize,
    asleep: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
    spins: usize,
}

impl Job {
    /// A job of `size` ranks in this process.
    pub(super) fn new(size: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            failures: Mutex::new(Vec::new()),
            failed: AtomicBool::new(false),
            disturbed: (0..size).map(|_| AtomicBool::new(false)).collect(),
            left: (0..size).map(|_| AtomicBool::new(false)).collect(),
            left_count: AtomicUsize::new(0),
            asleep: AtomicUsize::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
            // With fewer cores than ranks, the awaited rank needs this one's core.
            spins: if size <= cores { SPINS } else { 0 },
        }
    }

    /// Records a failure and wakes every waiting rank.
    pub(super) fn fail(&self, failure: Failure) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(failure);
        self.failed.store(true, SeqCst);
        self.notify();
    }

    /// Records that what `rank` may report from now on follows from another rank's failure.
    pub(super) fn disturb(&self, rank: usize) {
        self.disturbed[rank].store(true, SeqCst);
    }

    /// The failure that the others follow from.
    pub(super) fn failure(&self) -> Option<Failure> {
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
    pub(super) fn leave(&self, rank: usize) {
        self.left[rank].store(true, SeqCst);
        self.left_count.fetch_add(1, SeqCst);
        self.notify();
    }

    /// Whether a rank has returned.
    pub(super) fn has_left(&self, rank: usize) -> bool {
        self.left_count.load(SeqCst) > 0 && self.left[rank].load(SeqCst)
    }

    /// Wakes the sleeping ranks, so that they look again at what they wait for.
    pub(super) fn notify(&self) {
        if self.asleep.load(SeqCst) > 0 {
            // Taking the lock closes the gap between a rank's last look and its sleep.
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.wake.notify_all();
        }
    }

    /// Waits until `stop` holds or any rank has failed: spins, then yields, then sleeps, so that a short wait
    /// costs no system call and a long one no core. False when the time is over.
    pub(super) fn wait(&self, timeout: Duration, stop: impl Fn() -> bool) -> bool {
        let stop = || stop() || self.failed.load(SeqCst);
        for _ in 0..self.spins {
            if stop() {
                return true;
            }
            std::hint::spin_loop();
        }
        let start = Instant::now();
        while start.elapsed() < YIELD.min(timeout) {
            if stop() {
                return true;
            }
            std::thread::yield_now();
        }
        self.sleep(start + timeout, stop)
    }

    fn sleep(&self, deadline: Instant, stop: impl Fn() -> bool) -> bool {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.fetch_add(1, SeqCst);
        let stopped = loop {
            if stop() {
                break true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break false;
            }
            let woken = self.wake.wait_timeout(guard, left);
            guard = woken.unwrap_or_else(PoisonError::into_inner).0;
        };
        self.asleep.fetch_sub(1, SeqCst);
        stopped
    }
}
