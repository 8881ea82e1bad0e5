//! What a program that runs a model names: `use tp_runtime::prelude::*`.

pub use crate::plan::{Mode, Placement, Plan, plan_for};
pub use crate::{Error, Module, Result, register_model, tp_plan};

#[cfg(feature = "torch")]
pub use {
    crate::comm::{DeviceMesh, Launch, RankContext, launch},
    crate::dtensor::DTensor,
    crate::generate::{GenerateOptions, generate},
    crate::model::Inputs,
    crate::optim::{AdamW, AdamWOptions, clip_gradients},
    crate::parallel::ParallelModel,
};
