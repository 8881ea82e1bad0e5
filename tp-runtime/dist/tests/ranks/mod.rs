//! Runs assertions on every rank, and compares tensors.
#![allow(dead_code, reason = "every test binary uses some of these")]

use std::time::Duration;

use tch::{Kind, TchError, Tensor};
use tp_dist::{Error, Launch, RankContext, Result, launch};

/// Ranks that are threads and wait so many seconds for each other.
pub(crate) fn local(world_size: usize, seconds: u64) -> Launch {
    Launch {
        timeout: Duration::from_secs(seconds),
        threads_per_rank: Some(1),
        ..Launch::new(world_size)
    }
}

/// The same over Gloo.
pub(crate) fn gloo(world_size: usize, seconds: u64) -> Launch {
    Launch {
        backend: Some("gloo"),
        ..local(world_size, seconds)
    }
}

/// An error of a rank's own.
pub(crate) fn fault(message: &str) -> Error {
    TchError::Shape(message.into()).into()
}

/// Runs `body` on every rank and fails the test when one fails.
pub(crate) fn on_ranks(options: &Launch, body: impl Fn(&RankContext) -> Result<()> + Sync) {
    if let Err(error) = launch(options, |rank| body(&rank)) {
        panic!("{error}");
    }
}

/// Runs `body` on every rank and gives back what the job failed with.
pub(crate) fn failure(
    options: &Launch,
    body: impl Fn(&RankContext) -> Result<()> + Sync,
) -> String {
    launch(options, |rank| body(&rank))
        .expect_err("no rank failed")
        .to_string()
}

/// Whether both have the same kind, shape and elements.
pub(crate) fn same(a: &Tensor, b: &Tensor) -> bool {
    a.kind() == b.kind() && a.size() == b.size() && a.equal(b)
}

/// The elements as `f32`.
pub(crate) fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.to_kind(Kind::Float).flatten(0, -1)).unwrap()
}
