//! The allocator's bytes of one thread.

use tch::{Device, Kind, Tensor};
use tp_dist::memory::{AllocatedBytes, measure};

fn zeros(length: i64) -> Tensor {
    Tensor::zeros([length], (Kind::Float, Device::Cpu))
}

#[test]
fn what_is_left_and_the_most_there_was() {
    let before = zeros(100);
    let (left, bytes) = measure(Device::Cpu, || {
        drop(zeros(1000));
        // A view allocates nothing.
        let view = before.narrow(0, 0, 50);
        (zeros(10), view)
    })
    .expect("libtorch reports");
    let expected = AllocatedBytes {
        held: 40,
        peak: 4000,
    };
    assert_eq!(bytes, expected);
    drop(left);
}

#[test]
fn another_thread_counts_for_itself() {
    let (other, bytes) = measure(Device::Cpu, || {
        let thread = std::thread::spawn(|| {
            measure(Device::Cpu, || drop(zeros(1000))).map(|(_, bytes)| bytes)
        });
        thread.join().expect("the thread ends")
    })
    .expect("libtorch reports");
    assert_eq!(bytes.peak, 0);
    assert_eq!(other.expect("libtorch reports").peak, 4000);
}

#[test]
fn a_panic_ends_the_measurement() {
    let outcome = std::panic::catch_unwind(|| measure(Device::Cpu, || panic!("on purpose")));
    assert!(outcome.is_err());
    let (_, bytes) = measure(Device::Cpu, || drop(zeros(10))).expect("libtorch reports");
    assert_eq!((bytes.held, bytes.peak), (0, 40));
}
