//! The rounds of the local group, in every order in which the ranks' steps can meet.
//!
//! Loom takes the place of the atomics and cells: it runs a test once for each order, and fails when one
//! rank may write what another reads.
#![allow(unsafe_code, dead_code)]

mod sync {
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
}

#[path = "../src/local/rounds.rs"]
mod rounds;

use rounds::{Endpoint, endpoints};

/// Reads a round with the values of both ranks, as soon as it can.
fn read(endpoint: &mut Endpoint<u64>) -> Vec<u64> {
    loop {
        match endpoint.read(|values| values.iter().copied().collect()) {
            Some(values) => return values,
            None => loom::thread::yield_now(),
        }
    }
}

/// Completes a round, as soon as it can.
fn complete(endpoint: &mut Endpoint<u64>) -> u64 {
    loop {
        match endpoint.complete() {
            Some(value) => return value,
            None => loom::thread::yield_now(),
        }
    }
}

/// Runs two ranks through every order.
fn on_two_ranks(capacity: usize, body: fn(Endpoint<u64>)) {
    loom::model(move || {
        let mut ends = endpoints(2, capacity);
        let peer = ends.pop().unwrap();
        let peer = loom::thread::spawn(move || body(peer));
        body(ends.pop().unwrap());
        peer.join().unwrap();
    });
}

#[test]
fn every_rank_reads_the_values_of_all_and_gets_its_own_back() {
    on_two_ranks(1, |mut end| {
        for round in [10, 20] {
            let own = round + end.rank() as u64;
            end.publish(own);
            assert_eq!(read(&mut end), [round, round + 1]);
            assert_eq!(complete(&mut end), own);
        }
    });
}

#[test]
fn rounds_that_overlap_stay_apart() {
    on_two_ranks(2, |mut end| {
        end.publish(1);
        end.publish(2);
        assert!(end.is_full());
        assert_eq!(read(&mut end), [1, 1]);
        assert_eq!(read(&mut end), [2, 2]);
        assert_eq!(complete(&mut end), 1);
        assert_eq!(complete(&mut end), 2);
    });
}

#[test]
fn a_rank_that_tries_again_reads_nothing_twice() {
    // As after a timeout: it read, gave up waiting for the other one, and comes back.
    on_two_ranks(1, |mut end| {
        end.publish(1);
        read(&mut end);
        if end.complete().is_none() {
            assert!(end.read(|values| values.iter().sum::<u64>()).is_none());
            complete(&mut end);
        }
        assert_eq!(end.completed(), 1);
    });
}
