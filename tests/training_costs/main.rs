//! What `explain` says of training is what happens: communication and memory.

mod memory;
mod run;
mod state;
mod traffic;
