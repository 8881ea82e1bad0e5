//! Reading a distributed tensor, and what the backward makes of it.
#![cfg(feature = "torch")]

use std::rc::Rc;

use tch::{Kind, Tensor, no_grad};
use tp_runtime::Result;
use tp_runtime::comm::{Launch, RankContext, launch};
use tp_runtime::dtensor::DTensor;
use tp_runtime::plan::Placement::{Replicate, Shard};
use tp_runtime::plan::Reading;

/// Rank `r` of two holds `[r + 1]` of `[1, 2]`.
fn on_two_ranks(body: impl Fn(&Tensor, &DTensor) -> Result<()> + Sync) {
    let run = |context: RankContext| {
        let part = Tensor::from_slice(&[context.rank() as f32 + 1.0]).set_requires_grad(true);
        let tensor =
            DTensor::from_local(&part * 1.0, Shard(0), &[2], &context.world, &Rc::from("x"))?;
        body(&part, &tensor)
    };
    if let Err(error) = launch(&Launch::new(2), run) {
        panic!("{error}");
    }
}

#[test]
fn a_look_without_recording_leaves_later_readers_their_gradient() {
    on_two_ranks(|part, tensor| {
        assert_eq!(no_grad(|| tensor.full())?, Tensor::from_slice(&[1f32, 2.0]));
        let whole = tensor.full()?;
        (&whole * &whole).sum(Kind::Float).backward();
        assert_eq!(part.grad(), part.detach() * 2.0);
        Ok(())
    });
}

#[test]
fn a_pending_gather_comes_before_a_split_of_another_dimension() {
    on_two_ranks(|part, tensor| {
        let rows = tensor.map("a row", &[2, 1], |local| local.f_unsqueeze(1))?;
        let pending = rows.redistribute(Replicate)?;
        let reader = Rc::from("reader");
        let columns = pending.read(Reading::alike(Shard(1)), &reader)?;
        let whole =
            DTensor::from_local(columns, Shard(1), &[2, 1], tensor.group(), &reader)?.full()?;
        assert_eq!(whole.flatten(0, 1), Tensor::from_slice(&[1f32, 2.0]));
        (&whole * &whole).sum(Kind::Float).backward();
        assert_eq!(part.grad(), part.detach() * 2.0);
        Ok(())
    });
}
