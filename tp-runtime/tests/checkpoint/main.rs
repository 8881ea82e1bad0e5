//! Checkpoints: reading, faults, loading, saving, interrupted saves, several jobs and several ranks.
#![cfg(feature = "torch")]

mod fixture;

mod crash;
mod faults;
mod findings;
mod fp8;
mod initialize;
mod load;
mod lock;
mod read;
mod save;
mod save_on_ranks;
