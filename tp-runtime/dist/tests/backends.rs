//! A backend of another crate: ranks that lay their tensors on one table.

mod ranks;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ranks::{failure, fault, local, on_ranks, values};
use tch::Tensor;
use tp_dist::backend::{
    Backend, Job, Member, Pending, Registration, Request, Wait, inventory, named,
};
use tp_dist::{CommError, Launch, Operation, ReduceOp, Result};
use tp_plan::chunk;

inventory::submit! {
    Registration {
        name: "table",
        about: "Threads that share a table of tensors",
        joins_processes: false,
        connect,
    }
}

/// The tensors of each collective, by group and number of the call.
type Table = Mutex<HashMap<(String, usize), Vec<Option<Tensor>>>>;

#[derive(Clone)]
struct Group {
    table: Arc<Table>,
    job: Arc<Job>,
    timeout: Duration,
    name: String,
    /// The position of this rank among the group's, which are numbered as in the world.
    rank: usize,
    ranks: Vec<usize>,
    calls: Arc<AtomicUsize>,
    subgroups: Arc<AtomicUsize>,
}

struct Collective {
    group: Group,
    request: Request,
    call: (String, usize),
}

fn connect(member: Member) -> Result<Box<dyn Backend>> {
    Ok(Box::new(Group {
        table: member.rendezvous.shared(Table::default).unwrap(),
        job: member.job,
        timeout: member.timeout,
        name: "world".into(),
        rank: member.rank,
        ranks: (0..member.world_size).collect(),
        calls: Arc::default(),
        subgroups: Arc::default(),
    }))
}

impl Backend for Group {
    fn start(&self, request: Request, tensor: Tensor) -> Result<Box<dyn Pending>> {
        let call = (self.name.clone(), self.calls.fetch_add(1, SeqCst));
        let mut table = self.table.lock().unwrap();
        let tensors = table.entry(call.clone()).or_default();
        tensors.resize_with(self.ranks.len(), || None);
        tensors[self.rank] = Some(tensor);
        drop(table);
        self.job.notify();
        let group = self.clone();
        Ok(Box::new(Collective {
            group,
            request,
            call,
        }))
    }

    fn subgroup(&self, ranks: &[usize], timeout: Duration) -> Result<Option<Box<dyn Backend>>> {
        let index = self.subgroups.fetch_add(1, SeqCst);
        let Some(rank) = ranks.iter().position(|&rank| rank == self.rank) else {
            return Ok(None);
        };
        Ok(Some(Box::new(Self {
            name: format!("{}/{index}", self.name),
            rank,
            ranks: ranks.iter().map(|&rank| self.ranks[rank]).collect(),
            calls: Arc::default(),
            subgroups: Arc::default(),
            timeout,
            ..self.clone()
        })))
    }
}

impl Collective {
    fn is_complete(&self) -> bool {
        let table = self.group.table.lock().unwrap();
        table[&self.call].iter().all(Option::is_some)
    }

    fn result(&self) -> Tensor {
        let table = self.group.table.lock().unwrap();
        let tensors: Vec<&Tensor> = table[&self.call].iter().flatten().collect();
        let sum = || {
            let all = Tensor::stack(&tensors, 0);
            all.sum_dim_intlist(0, false, all.kind())
        };
        match self.request.operation {
            Operation::AllReduce(ReduceOp::Sum) => sum(),
            Operation::AllReduce(ReduceOp::Max) => Tensor::stack(&tensors, 0).amax(0, false),
            Operation::AllGather { dim, .. } => Tensor::cat(&tensors, dim),
            Operation::ReduceScatter { dim } => {
                let length = tensors[0].size()[dim as usize];
                let own = chunk(length, self.group.rank, tensors.len());
                sum().narrow(dim, own.start, own.end - own.start)
            }
            Operation::Broadcast { source } => tensors[source].copy(),
            Operation::Barrier => Tensor::new(),
        }
    }
}

impl Pending for Collective {
    fn wait(self: Box<Self>) -> Result<Tensor> {
        let Group {
            job,
            ranks,
            rank,
            timeout,
            ..
        } = &self.group;
        let who = self.request.participant(ranks[*rank]);
        match job.wait(*timeout, || self.is_complete()) {
            Wait::Ready => Ok(self.result()),
            Wait::Failed => {
                let failure = job.failure().unwrap();
                Err(CommError::PeerFailed { who, failure }.into())
            }
            Wait::TimedOut => panic!("no test here waits so long"),
        }
    }
}

fn table(world_size: usize) -> Launch {
    Launch {
        backend: Some("table"),
        ..local(world_size, 20)
    }
}

#[test]
fn it_carries_collectives_and_meshes() {
    on_ranks(&table(4), |rank| {
        assert_eq!(rank.world.backend(), "table");
        let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
        for name in ["dp", "tp"] {
            let group = mesh.group(name)?;
            let own = Tensor::from_slice(&[rank.rank() as f32]);
            let ranks: Vec<f32> = group.ranks().iter().map(|&rank| rank as f32).collect();
            let sum = group.all_reduce(own.copy(), ReduceOp::Sum, "sum")?;
            assert_eq!(values(&sum), [ranks[0] + ranks[1]]);
            let largest = group.all_reduce(own.copy(), ReduceOp::Max, "max")?;
            assert_eq!(values(&largest), [ranks[1]]);
            assert_eq!(values(&group.all_gather(&own, 0, 2, "all")?), ranks);
            let pair = Tensor::from_slice(&[1.0f32, 2.0]);
            let part = group.reduce_scatter(&pair, 0, "part")?;
            assert_eq!(values(&part), [2.0 * (group.rank() as f32 + 1.0)]);
            assert_eq!(
                values(&group.broadcast(own, 1, "from the last")?),
                [ranks[1]]
            );
        }
        rank.world.barrier("end")
    });
}

#[test]
fn its_ranks_learn_of_a_failure() {
    let text = failure(&table(2), |rank| match rank.rank() {
        1 => Err(fault("the disk is full")),
        _ => rank.world.barrier("never"),
    });
    assert!(text.starts_with("rank 1 failed:"), "{text}");
}

#[test]
fn it_is_listed_to_who_asks_for_another() {
    let error = named("telepathy").err().unwrap();
    assert!(error.known.contains(&"table"), "{error}");
}
