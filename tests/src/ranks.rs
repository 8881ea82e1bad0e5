//! Bare ranks, and numbers that are the same on each of them.

use std::time::Duration;

use tch::{Kind, Tensor};
use tp_runtime::Result;
use tp_runtime::comm::{Launch, RankContext, launch};

/// Runs `body` on threads that are ranks, each with one thread of libtorch's.
///
/// # Panics
/// When a rank fails.
pub fn on_bare_ranks(degree: usize, body: impl Fn(RankContext) -> Result<()> + Sync) {
    let options = Launch {
        timeout: Duration::from_secs(60),
        threads_per_rank: Some(1),
        ..Launch::new(degree)
    };
    if let Err(error) = launch(&options, body) {
        panic!("on {degree} ranks: {error}");
    }
}

/// Scattered small integers: sums of them are exact in f32, in any order.
pub fn integers(shape: &[i64], seed: usize) -> Tensor {
    let count: i64 = shape.iter().product();
    let value = |index: i64| {
        let mixed = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ seed as u64);
        ((mixed >> 40) % 17) as f32 - 8.0
    };
    let values: Vec<f32> = (0..count).map(value).collect();
    Tensor::from_slice(&values)
        .to_kind(Kind::Float)
        .reshape(shape)
}
