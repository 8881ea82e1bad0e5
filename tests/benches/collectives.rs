//! Latency and bandwidth of an all-reduce between two ranks, by backend and size.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tch::{Device, Kind, Tensor};
use tp_runtime::comm::{Launch, RankContext, ReduceOp, launch};

const SIZES: [(&str, i64); 4] = [
    ("2 KB", 2 << 10),
    ("64 KB", 64 << 10),
    ("4 MB", 4 << 20),
    ("32 MB", 32 << 20),
];

fn all_reduce(criterion: &mut Criterion) {
    for backend in ["local", "gloo"] {
        let mut group = criterion.benchmark_group(format!("all_reduce/{}", backend));
        for (name, bytes) in SIZES {
            group.throughput(Throughput::Bytes(bytes as u64));
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter_custom(|repeats| {
                    let options = Launch {
                        backend: Some(backend),
                        ..Launch::new(2)
                    };
                    launch(&options, |rank| repeat(&rank, bytes, repeats)).unwrap()
                });
            });
        }
    }
}

/// How long `repeats` all-reduces take, once both ranks are ready.
fn repeat(rank: &RankContext, bytes: i64, repeats: u64) -> tp_runtime::Result<Duration> {
    let mut tensor = Tensor::zeros([bytes / 4], (Kind::Float, Device::Cpu));
    rank.world.barrier("bench")?;
    let start = Instant::now();
    for _ in 0..repeats {
        tensor = rank.world.all_reduce(tensor, ReduceOp::Sum, "bench")?;
    }
    Ok(start.elapsed())
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2));
    targets = all_reduce
}
criterion_main!(benches);
