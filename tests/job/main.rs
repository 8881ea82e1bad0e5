//! The folder of a training job: nothing of it is lost, whatever is killed, and any mesh goes on from it.

mod crash;
mod faults;
mod folder;
mod grid;
mod reshard;
