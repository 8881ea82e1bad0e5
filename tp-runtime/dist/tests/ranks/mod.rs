//! Runs assertions on every rank, and compares tensors.
#![allow(dead_code, reason = "every test binary uses some of these")]

use tch::{Kind, Tensor};
use tp_dist::Result;
use tp_dist::{Launch, RankContext, launch};

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
