//! Ranks joined by libtorch's process groups: Gloo and NCCL.

mod group;
mod layout;
mod work;

pub(super) use group::{C10dGroup, Member};
