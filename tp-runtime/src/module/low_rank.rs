//! A term of low rank beside a layer's weight (LoRA, Hu et al. 2021): `W + scale · B A`.

use std::cell::OnceCell;

use super::{Heads, Initial, Param};
use crate::dropout::Dropout;
use tp_plan::{LOW_RANK_DOWN, LOW_RANK_UP};

/// What is added to a layer's weight.
#[derive(Clone)]
pub struct LowRank {
    down: Param,
    up: Param,
    scale: f64,
    dropout: Dropout,
}

/// Where a layer keeps its adapter; empty until one is attached.
#[derive(Default)]
pub struct LowRankSlot(OnceCell<LowRank>);

impl LowRank {
    /// An adapter of `rank` for a `weight` of `[out_features, in_features]`, which splits as the weight does.
    pub fn new(weight: &Param, rank: i64, scale: f64, dropout: Dropout) -> Self {
        let (out_features, in_features) = (weight.shape()[0], weight.shape()[1]);
        let heads =
            |dim| -> Option<Heads> { weight.heads().filter(|heads| heads.dim == dim).cloned() };
        let up = [out_features, rank];
        let up = match weight.segments() {
            [] => Param::with_heads(&up, heads(0)),
            segments => Param::with_segments(&up, segments.to_vec()),
        };
        Self {
            down: Param::with_heads(&[rank, in_features], heads(1))
                .initial(Initial::KaimingUniform),
            up: up.initial(Initial::Zeros),
            scale,
            dropout,
        }
    }

    /// A, `[rank, in_features]`.
    pub fn down(&self) -> &Param {
        &self.down
    }

    /// B, `[out_features, rank]`.
    pub fn up(&self) -> &Param {
        &self.up
    }

    /// What their product is multiplied by.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// How much of the layer's input A does not see in training.
    pub fn dropout(&self) -> Dropout {
        self.dropout
    }
}

impl LowRankSlot {
    /// The adapter, if there is one.
    pub fn get(&self) -> Option<&LowRank> {
        self.0.get()
    }

    /// Attaches an adapter; whether there was none before.
    pub fn attach(&self, adapter: LowRank) -> bool {
        self.0.set(adapter).is_ok()
    }

    /// Its parameters by their last name segment.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &Param)> {
        let adapter = self.get().into_iter();
        adapter.flat_map(|LowRank { down, up, .. }| [(LOW_RANK_DOWN, down), (LOW_RANK_UP, up)])
    }
}
