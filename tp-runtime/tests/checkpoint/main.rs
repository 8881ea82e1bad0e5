//! Checkpoints: reading, faults, loading, saving, interrupted saves.
#![cfg(feature = "torch")]

mod fixture;

mod crash;
mod faults;
mod initialize;
mod load;
mod read;
mod save;
