//! Several ranks save together: one writes, all know how it went, and none waits for one that gave up.

use std::path::Path;
use std::time::{Duration, Instant};

use tch::{Device, Kind, TchError, Tensor};
use tp_runtime::Result;
use tp_runtime::checkpoint::{Checkpoint, initialize, save};
use tp_runtime::comm::{Launch, RankContext, launch};
use tp_runtime::module::ShardedParam;
use tp_runtime::plan::Placement;

use crate::fixture::{rank as load_options, sharded};
use crate::save::{config, files, params, random};

const BACKENDS: [&str; 2] = ["local", "gloo"];

/// Runs `body` on three ranks, which are threads.
fn on_three_ranks(backend: &'static str, body: impl Fn(&RankContext) -> Result<()> + Sync) {
    let options = Launch {
        backend: Some(backend),
        timeout: Duration::from_secs(60),
        threads_per_rank: Some(1),
        ..Launch::new(3)
    };
    if let Err(error) = launch(&options, |rank| body(&rank)) {
        panic!("{backend}: {error}");
    }
}

/// Saves parameters of which `up.weight` is split; `gathered` may spoil what a rank has gathered.
fn save_split(
    dir: &Path,
    rank: &RankContext,
    gathered: impl Fn(&str, Tensor) -> Result<Tensor>,
) -> Result<()> {
    let params = params();
    let part = sharded(&params, &[Placement::Shard(0)]);
    let options = load_options(rank.rank(), rank.world_size());
    initialize(&part, 3, 1.0, &options)?;
    let gather = |named: &ShardedParam<'_>| {
        let local = named.param.local();
        let whole = match named.sharding.placement() {
            Placement::Shard(_) => rank.world.all_gather(&local, 0, 5, &named.name)?,
            _ => local,
        };
        gathered(&named.name, whole)
    };
    save(dir, &part, &rank.world, gather, &config(), &[])
}

#[test]
fn sharded_parameters_are_saved_whole_by_the_first_rank() {
    let whole = random(Kind::Float);
    let expected = whole.each_ref().map(|(name, param)| (*name, param.local()));
    for backend in BACKENDS {
        let dir = tempfile::tempdir().unwrap();
        on_three_ranks(backend, |rank| {
            let own = dir.path().join(format!("rank{}", rank.rank()));
            save_split(&own, rank, |_, whole| Ok(whole))
        });
        assert_eq!(files(dir.path()), ["rank0"]);
        let checkpoint = Checkpoint::open(&dir.path().join("rank0")).unwrap();
        for (name, whole) in &expected {
            let saved = checkpoint.read(name, Kind::Float, Device::Cpu).unwrap();
            assert_eq!(saved, *whole, "{name}");
        }
    }
}

/// Panics unless a save fails soon on each of three ranks, with `message`, and a second one succeeds.
fn assert_all_leave(message: &str, fails: impl Fn(&RankContext, &Path) -> Result<()> + Sync) {
    for backend in BACKENDS {
        let dir = tempfile::tempdir().unwrap();
        on_three_ranks(backend, |rank| {
            let start = Instant::now();
            let error = fails(rank, dir.path()).expect_err("a rank went on alone");
            assert!(start.elapsed() < Duration::from_secs(20), "{backend}");
            let error = error.to_string();
            assert!(error.contains(message), "rank {}: {error}", rank.rank());
            // The ranks are still in step.
            save_split(dir.path(), rank, |_, whole| Ok(whole))?;
            assert_eq!(files(dir.path()), ["config.json", "model.safetensors"]);
            Ok(())
        });
    }
}

#[test]
fn what_one_rank_cannot_gather_ends_the_save_on_all() {
    let spoiled = "no memory left on one rank";
    for (unlucky, parameter) in [(0, "up.weight"), (1, "up.weight"), (2, "norm.weight")] {
        assert_all_leave(spoiled, |rank, dir| {
            save_split(dir, rank, |name, whole| {
                if rank.rank() == unlucky && name == parameter {
                    return Err(TchError::Torch(spoiled.to_owned()).into());
                }
                Ok(whole)
            })
        });
    }
}

#[test]
fn what_the_first_rank_cannot_write_ends_the_save_on_all() {
    assert_all_leave(
        "cannot save `norm.weight`: gathered as Float [3]",
        |rank, dir| {
            save_split(dir, rank, |name, whole| match name {
                "norm.weight" => Ok(whole.narrow(0, 0, 3)),
                _ => Ok(whole),
            })
        },
    );
    // Nobody can create anything here, root included.
    assert_all_leave(
        "cannot create `/proc/self/.checkpoint-saving`",
        |rank, _| save_split(Path::new("/proc/self"), rank, |_, whole| Ok(whole)),
    );
}
