//! Ranks joined by libtorch's process groups: Gloo and NCCL.

mod group;
mod layout;
mod loopback;
mod member;
#[cfg(all(test, feature = "nccl"))]
mod on_one_gpu;
mod work;

use crate::backend::Registration;

inventory::submit! {
    Registration {
        name: "gloo",
        about: "libtorch's Gloo",
        joins_processes: true,
        connect: member::connect_gloo,
    }
}

#[cfg(feature = "nccl")]
inventory::submit! {
    Registration {
        name: "nccl",
        about: "libtorch's NCCL, a GPU per rank",
        joins_processes: true,
        connect: member::connect_nccl,
    }
}
