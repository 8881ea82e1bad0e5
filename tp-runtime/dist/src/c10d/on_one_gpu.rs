//! Every collective through NCCL, of a group of one rank: two want two GPUs.

use std::sync::Arc;
use std::time::Duration;

use tch::{Device, Kind, Tensor};

use super::member::connect_nccl;
use crate::backend::{Job, Member, Rendezvous, Request};
use crate::{Operation, ReduceOp};

#[test]
#[ignore = "needs a GPU"]
fn nccl_carries_out_every_collective() {
    let device = Device::Cuda(0);
    let member = Member {
        rank: 0,
        world_size: 1,
        device,
        timeout: Duration::from_secs(60),
        job: Arc::new(Job::new(1)),
        rendezvous: Rendezvous::of_threads(),
    };
    let group = connect_nccl(member).expect("NCCL starts");
    let operations = [
        Operation::AllReduce(ReduceOp::Sum),
        Operation::AllReduce(ReduceOp::Max),
        Operation::AllGather { dim: 1, length: 3 },
        Operation::ReduceScatter { dim: 1 },
        Operation::Broadcast { source: 0 },
    ];
    let given = Tensor::arange(6, (Kind::Float, Device::Cpu)).view([2, 3]);
    // A tensor of the processor goes to the GPU and comes back.
    for home in [device, Device::Cpu] {
        for operation in operations {
            let site = "a test".to_owned();
            let pending = group.start(Request { operation, site }, given.to_device(home));
            let result = pending.and_then(|pending| pending.wait());
            let result = result.unwrap_or_else(|error| panic!("{operation}: {error}"));
            assert_eq!(result.device(), home, "{operation}");
            assert_eq!(result.to_device(Device::Cpu), given, "{operation}");
        }
    }
    let site = "a test".to_owned();
    let operation = Operation::Barrier;
    let barrier = group.start(Request { operation, site }, given.shallow_clone());
    drop(
        barrier
            .and_then(|pending| pending.wait())
            .expect("a barrier"),
    );
}
