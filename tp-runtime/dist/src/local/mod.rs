//! Ranks as threads of one process: collectives over shared memory.
#![allow(unsafe_code)]

mod contribution;
mod group;
mod progress;
mod rank;
mod reduce;
mod rounds;
mod subgroup;
mod sync;

use crate::backend::Registration;

inventory::submit! {
    Registration {
        name: "local",
        about: "Threads of this process over shared memory",
        joins_processes: false,
        connect: group::connect,
    }
}
