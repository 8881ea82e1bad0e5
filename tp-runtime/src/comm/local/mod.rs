//! Ranks as threads of one process: collectives over shared memory.
#![allow(unsafe_code)]

mod compute;
mod exchange;
mod group;
mod reduce;
mod subgroup;

pub(super) use group::LocalGroup;
