//! The local group: ranks as threads of one process.

mod ranks;

use std::time::Duration;

use proptest::prelude::*;
use ranks::{local, on_ranks, same, values};
use tch::{Device, Kind, Tensor};
use tp_dist::{CommCount, CommCounts, ReduceOp};
use tp_plan::chunk;

/// A tensor whose elements tell ranks and positions apart.
fn sample(rank: usize, shape: &[i64], kind: Kind) -> Tensor {
    let numel: i64 = shape.iter().product();
    let base = Tensor::arange(numel, (Kind::Int64, Device::Cpu)) * 3 + rank as i64 * 7;
    (base.remainder(61) - 11).reshape(shape).to_kind(kind)
}

#[test]
fn all_reduce_takes_over_memory_only_where_nobody_else_sees_it() {
    on_ranks(&local(2, 20), |rank| {
        let shared = sample(rank.rank(), &[100], Kind::Float);
        let kept = shared.copy();
        let sum = rank
            .world
            .all_reduce(shared.shallow_clone(), ReduceOp::Sum, "shared")?;
        assert!(
            same(&shared, &kept),
            "a tensor that is still in use was written over"
        );
        let address = sum.data_ptr();
        let twice = rank.world.all_reduce(sum, ReduceOp::Sum, "unshared")?;
        assert_eq!(twice.data_ptr(), address);
        Ok(())
    });
}

#[test]
fn a_recorded_tensor_is_reduced_without_its_history() {
    on_ranks(&local(2, 20), |rank| {
        let input = Tensor::ones([3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let sum = rank
            .world
            .all_reduce(&input * 2.0, ReduceOp::Sum, "history")?;
        assert!(!sum.requires_grad());
        assert_eq!(values(&sum), [4.0; 3]);
        Ok(())
    });
}

#[test]
fn sixteen_bit_floats_are_added_in_thirty_two() {
    on_ranks(&local(4, 20), |rank| {
        // In bf16, 256 + 1 is 256 again: adding one by one would lose every 1.
        let value = if rank.rank() == 0 { 256.0 } else { 1.0 };
        let tensor = Tensor::full([5], value, (Kind::BFloat16, Device::Cpu));
        let sum = rank.world.all_reduce(tensor, ReduceOp::Sum, "bf16")?;
        assert_eq!(values(&sum), [260.0; 5]);
        Ok(())
    });
}

#[test]
fn nan_wins_over_every_number() {
    on_ranks(&local(2, 20), |rank| {
        let own = if rank.rank() == 0 {
            [f32::NAN, 1.0, 2.0]
        } else {
            [1.0, f32::NAN, 3.0]
        };
        let largest = rank
            .world
            .all_reduce(Tensor::from_slice(&own), ReduceOp::Max, "nan")?;
        let largest = values(&largest);
        assert!(
            largest[0].is_nan() && largest[1].is_nan() && largest[2] == 3.0,
            "{largest:?}"
        );
        Ok(())
    });
}

#[test]
fn more_collectives_than_the_ring_holds_may_be_under_way() {
    on_ranks(&local(3, 20), |rank| {
        let start = |step: i64| {
            let tensor = Tensor::from_slice(&[step + rank.rank() as i64]);
            rank.world.start_all_reduce(tensor, ReduceOp::Sum, "many")
        };
        let works: Vec<_> = (0..200).map(start).collect();
        for (step, work) in works.into_iter().enumerate().rev() {
            assert_eq!(i64::try_from(work.wait()?).unwrap(), 3 * step as i64 + 3);
        }
        Ok(())
    });
}

#[test]
fn a_group_of_one_is_a_no_op() {
    on_ranks(&local(1, 20), |rank| {
        let tensor = Tensor::from_slice(&[1.0f32, 2.0]);
        let address = tensor.data_ptr();
        let world = &rank.world;
        let tensor = world.all_reduce(tensor, ReduceOp::Sum, "one")?;
        let tensor = world.all_gather(&tensor, 0, 2, "one")?;
        let tensor = world.reduce_scatter(&tensor, 0, "one")?;
        let tensor = world.broadcast(tensor, 0, "one")?;
        world.barrier("one")?;
        assert_eq!(tensor.data_ptr(), address);
        assert_eq!(world.counts(), Default::default());
        Ok(())
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_wait_costs_no_core() {
    // User and system time of this thread, in hundredths of a second.
    let busy = || -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields = text
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .skip(11)
            .take(2);
        fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    };
    on_ranks(&local(2, 20), |rank| {
        if rank.rank() == 1 {
            std::thread::sleep(Duration::from_millis(500));
        }
        let before = busy();
        rank.world.barrier("long wait")?;
        let waited = busy() - before;
        assert!(
            waited < 5,
            "the wait cost a core {waited} hundredths of a second"
        );
        Ok(())
    });
}

#[test]
fn traffic_counts_calls_and_whole_tensors() {
    on_ranks(&local(2, 20), |rank| {
        let world = &rank.world;
        let half = Tensor::zeros([2, 3], (Kind::Half, Device::Cpu));
        let _ = world.all_reduce(half.copy(), ReduceOp::Sum, "traffic")?;
        let _ = world.all_reduce(half.copy(), ReduceOp::Max, "traffic")?;
        let own = chunk(3, rank.rank(), 2);
        let part = half.narrow(1, own.start, own.end - own.start);
        let _ = world.all_gather(&part, 1, 3, "traffic")?;
        let _ = world.reduce_scatter(&half, 0, "traffic")?;
        world.barrier("traffic")?;
        let count = |calls, bytes| CommCount { calls, bytes };
        let counts = world.counts();
        assert_eq!(
            (counts.all_reduce, counts.all_gather),
            (count(2, 24), count(1, 12))
        );
        assert_eq!(
            (counts.reduce_scatter, counts.broadcast),
            (count(1, 12), count(0, 0))
        );
        assert_eq!(counts.barrier, count(1, 0));
        world.reset_counts();
        assert_eq!(world.counts(), CommCounts::default());
        Ok(())
    });
}

fn kinds() -> impl Strategy<Value = Kind> {
    let kinds = [
        Kind::Float,
        Kind::Double,
        Kind::Half,
        Kind::BFloat16,
        Kind::Int64,
        Kind::Int,
    ];
    prop::sample::select(kinds.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn gather_undoes_chunk_and_scatter_is_a_chunk_of_the_reduction(
        shape in prop::collection::vec(0i64..9, 1..4),
        dim in 0usize..3,
        negative in any::<bool>(),
        world_size in 1usize..=5,
        kind in kinds(),
    ) {
        let dim = dim % shape.len();
        let given = if negative { dim as i64 - shape.len() as i64 } else { dim as i64 };
        on_ranks(&local(world_size, 20), |rank| {
            let part = |whole: &Tensor| {
                let range = chunk(shape[dim], rank.rank(), world_size);
                whole.narrow(given, range.start, range.end - range.start)
            };
            let whole = sample(0, &shape, kind);
            let gathered = rank.world.all_gather(&part(&whole), given, shape[dim], "property")?;
            assert!(same(&gathered, &whole), "gathered {gathered:?} from {whole:?}");

            let own = sample(rank.rank(), &shape, kind);
            let reduced = rank.world.all_reduce(own.copy(), ReduceOp::Sum, "property")?;
            let scattered = rank.world.reduce_scatter(&own, given, "property")?;
            assert!(same(&scattered, &part(&reduced)), "{scattered:?} is no chunk of {reduced:?}");

            let all: Vec<_> = (0..world_size).map(|peer| sample(peer, &shape, Kind::Double)).collect();
            let all = Tensor::stack(&all, 0);
            let expected = all.sum_dim_intlist(0, false, Kind::Double).to_kind(kind);
            assert!(same(&reduced, &expected), "{reduced:?} is not the sum {expected:?}");
            let largest = rank.world.all_reduce(own, ReduceOp::Max, "property")?;
            let expected = if all.numel() == 0 { all.select(0, 0) } else { all.amax(0, false) };
            assert!(same(&largest, &expected.to_kind(kind)), "{largest:?} is not the maximum");
            Ok(())
        });
    }
}
