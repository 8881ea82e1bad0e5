//! From a checkpoint onto ranks and back: no byte too many, none lost.

use std::path::Path;
use std::sync::Mutex;

use tch::{Device, Kind, Tensor};
use tp_models::llama::LLAMA;
use tp_runtime::Result;
use tp_runtime::checkpoint::{self, Checkpoint, LoadOptions, LoadReport};
use tp_runtime::comm::RankContext;
use tp_runtime::explain::{Dtype, Setup, explain};
use tp_runtime::model::{self, FreshHead, Inputs, Modules};
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::plan::{Mode, Plan, chunk, resolve};
use tp_runtime::testing::{Parity, Setting, Tolerance, assert_close, on_ranks, settings};
use tp_tests::fixture;
use tp_tests::plans::ROWS;
use tp_tests::ranks::on_bare_ranks;

/// The dimension that Llama's plan splits, by the parameter's name alone.
fn sharded(name: &str) -> Option<usize> {
    let ends = |module: &str| name.contains(&format!("{module}."));
    if ["o_proj", "down_proj"].into_iter().any(ends) {
        return name.ends_with("weight").then_some(1);
    }
    [
        "embed_tokens",
        "lm_head",
        "q_proj",
        "k_proj",
        "v_proj",
        "gate_proj",
        "up_proj",
    ]
    .into_iter()
    .any(ends)
    .then_some(0)
}

/// How many elements a rank holds, from the shapes that the files state.
fn elements(checkpoint: &Checkpoint, rank: usize, degree: usize) -> u64 {
    let part = |(name, info): (&str, &tp_runtime::checkpoint::TensorInfo)| {
        let mut shape = info.shape.clone();
        if let Some(dim) = sharded(name) {
            shape[dim] = chunk(shape[dim], rank, degree).count() as i64;
        }
        shape.iter().product::<i64>() as u64
    };
    checkpoint.tensors().map(part).sum()
}

fn load(dir: &Path, rank: RankContext, setting: Setting) -> Result<(ParallelModel, LoadReport)> {
    let mesh = rank.mesh(&[("tp", setting.degree)])?;
    let options = ParallelOptions {
        mode: setting.mode,
        ..Default::default()
    };
    ParallelModel::load(&Checkpoint::open(dir)?, &mesh, options)
}

#[test]
fn a_rank_reads_and_holds_its_shard_and_what_is_replicated() {
    // 2 bytes an element in the file of the last, 4 in memory.
    for (name, degrees, stored) in [
        ("llama_gqa", &[1, 2, 4][..], 4),
        ("llama_tied", &[1, 2], 4),
        ("llama_bias", &[1, 2, 4], 4),
        ("llama_bf16", &[1, 2, 4], 2),
    ] {
        let dir = fixture(name).dir;
        for setting in settings(degrees) {
            on_bare_ranks(setting.degree, |context| {
                let rank = context.rank();
                let elements = elements(&Checkpoint::open(&dir)?, rank, setting.degree);
                let (model, report) = load(&dir, context, setting)?;
                let expected = LoadReport {
                    bytes_read: stored * elements,
                    parameter_bytes: 4 * elements,
                    findings: Vec::new(),
                };
                assert_eq!(report, expected, "{name}, {setting}, rank {rank}");
                let held = model.parameters().into_iter().map(|named| {
                    let local = named.param.local();
                    (local.numel() * local.kind().elt_size_in_bytes()) as u64
                });
                assert_eq!(held.sum::<u64>(), expected.parameter_bytes);
                Ok(())
            });
        }
    }
}

/// Whether two checkpoints hold the same tensors, bit by bit.
fn assert_same(found: &Path, original: &Path) -> Result<()> {
    let (found, original) = (Checkpoint::open(found)?, Checkpoint::open(original)?);
    let names = |checkpoint: &Checkpoint| -> Vec<String> {
        let mut names: Vec<_> = checkpoint
            .tensors()
            .map(|(name, info)| format!("{name} {:?} {:?}", info.dtype, info.shape))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&found), names(&original));
    for (name, _) in original.tensors() {
        let read = |checkpoint: &Checkpoint| checkpoint.read(name, Kind::Float, Device::Cpu);
        assert_eq!(read(&found)?, read(&original)?, "{name}");
    }
    assert_eq!(found.config(), original.config());
    Ok(())
}

#[test]
fn what_ranks_save_is_what_they_loaded() -> Result<()> {
    for (name, degrees, kind) in [
        ("llama_gqa", &[1, 2, 4][..], Kind::Float),
        ("llama_tied", &[2], Kind::Float),
        ("llama_bias", &[2, 4], Kind::Float),
        ("llama_bf16", &[2, 4], Kind::BFloat16),
        ("qwen3_mlp200", &[3], Kind::Float),
        ("llama_seqcls", &[2], Kind::Float),
        ("qwen3_seqcls", &[4], Kind::Float),
        ("gemma3_cond", &[2, 4], Kind::Float),
        ("mistral3_cond", &[2], Kind::Float),
        ("phi3", &[2], Kind::Float),
        ("phi2", &[4], Kind::Float),
    ] {
        let original = fixture(name).dir;
        for setting in settings(degrees) {
            let copy = tempfile::tempdir().expect("a temporary folder");
            on_ranks(&original, setting, kind, |model| model.save(copy.path()));
            assert_same(copy.path(), &original)?;
        }
    }
    Ok(())
}

#[test]
fn replicas_load_and_save_one_checkpoint_together() -> Result<()> {
    let original = fixture("llama_gqa").dir;
    for dimensions in [[("dp", 2), ("tp", 2)], [("tp", 2), ("dp", 2)]] {
        let copy = tempfile::tempdir().expect("a temporary folder");
        on_bare_ranks(4, |rank| {
            let mesh = rank.mesh(&dimensions)?;
            let options = ParallelOptions::default();
            let (model, _) = ParallelModel::load(&Checkpoint::open(&original)?, &mesh, options)?;
            for _ in 0..3 {
                model.save(copy.path())?;
                // Nobody returns before the checkpoint is complete.
                assert_same(copy.path(), &original)?;
                mesh.world().barrier("comparing")?;
            }
            Ok(())
        });
    }
    Ok(())
}

#[test]
fn older_names_are_saved_as_those_of_today() {
    for name in ["gemma3_hub", "mistral3_hub"] {
        let (original, copy) = (fixture(name).dir, tempfile::tempdir());
        let copy = copy.expect("a temporary folder");
        for setting in settings(&[2]) {
            on_ranks(&original, setting, Kind::Float, |model| {
                model.save(copy.path())
            });
        }
        let checkpoint = Checkpoint::open(copy.path()).expect("a checkpoint");
        let mut names = checkpoint.tensors().map(|(name, _)| name);
        assert!(names.all(|name| name.starts_with("model.") || name == "lm_head.weight"));
        for file in ["reference.safetensors", "reference.json"] {
            std::fs::copy(original.join(file), copy.path().join(file)).expect("a copy");
        }
        Parity::of(copy.path()).degrees([1]).check();
    }
}

#[test]
fn a_tied_head_stays_tied_through_training_and_saving() {
    for setting in settings(&[2]) {
        let tied = fixture("llama_tied").dir;
        let saved = tempfile::tempdir().expect("a temporary folder");
        let logits = Mutex::new(Vec::new());
        on_ranks(&tied, setting, Kind::Float, |model| {
            let fixture = fixture("llama_tied");
            let inputs = Inputs::new(fixture.tensor("even/input_ids"));
            let params = model.parameters().into_iter().map(|named| named.param);
            let mut optimizer = AdamW::new(params, AdamWOptions::default())?;
            model
                .loss(&inputs, &fixture.tensor("even/labels"))?
                .f_backward()?;
            optimizer.step()?;
            let trained = model.forward(&inputs, None)?.full()?.detach();
            logits.lock().expect("no rank panicked").push(trained);
            model.save(saved.path())
        });
        let trained = logits
            .into_inner()
            .expect("no rank panicked")
            .swap_remove(0);
        let checkpoint = Checkpoint::open(saved.path()).expect("a checkpoint");
        assert!(
            checkpoint
                .tensors()
                .all(|(name, _)| name != "lm_head.weight")
        );
        let trained = Mutex::new(trained);
        for setting in settings(&[1, 2]) {
            on_ranks(saved.path(), setting, Kind::Float, |model| {
                let named = model.parameters();
                let table = named
                    .iter()
                    .find(|named| named.name == "model.embed_tokens.weight");
                let tied = table.map(|named| named.tied.clone());
                assert_eq!(tied, Some(vec!["lm_head.weight".to_owned()]));
                let inputs = Inputs::new(fixture("llama_tied").tensor("even/input_ids"));
                let logits = model.forward(&inputs, None)?.full()?;
                let trained = trained.lock().expect("no rank panicked").shallow_clone();
                assert_close("logits", &logits, &trained, Tolerance::F32);
                Ok(())
            });
        }
    }
}

/// What loading or saving says on each rank, when it fails.
fn messages(degree: usize, body: impl Fn(RankContext) -> Result<()> + Sync) -> Vec<String> {
    let messages = Mutex::new(Vec::new());
    on_bare_ranks(degree, |rank| {
        let error = body(rank).expect_err("a rank went on alone");
        let mut messages = messages.lock().expect("no rank panicked");
        messages.push(error.to_string());
        Ok(())
    });
    messages.into_inner().expect("no rank panicked")
}

/// A copy of `llama_gqa` whose weights are another model's.
fn with_wrong_weights() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    let good = fixture("llama_gqa").dir;
    for file in std::fs::read_dir(good).expect("a fixture").flatten() {
        std::fs::copy(file.path(), copy.path().join(file.file_name())).expect("a copy");
    }
    let other = fixture("llama_tied").dir.join("model.safetensors");
    std::fs::copy(other, copy.path().join("model.safetensors")).expect("a copy");
    copy
}

#[test]
fn what_one_rank_cannot_load_every_rank_knows() {
    let (good, bad) = (fixture("llama_gqa").dir, with_wrong_weights());
    for setting in settings(&[2, 4]) {
        let messages = messages(setting.degree, |rank| {
            let dir = match rank.rank() {
                1 => bad.path(),
                _ => &good,
            };
            load(dir, rank, setting).map(drop)
        });
        assert_eq!(messages.len(), setting.degree);
        for message in messages {
            for part in ["`model.embed_tokens.weight`", "[128, 32]"] {
                assert!(message.contains(part), "{part} is not in: {message}");
            }
        }
    }
}

#[test]
fn what_one_replica_cannot_load_the_others_know() {
    let (good, bad) = (fixture("llama_gqa").dir, with_wrong_weights());
    let messages = messages(4, |rank| {
        let checkpoint = Checkpoint::open(if rank.rank() == 3 { bad.path() } else { &good })?;
        let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
        ParallelModel::load(&checkpoint, &mesh, ParallelOptions::default()).map(drop)
    });
    assert_eq!(messages.len(), 4);
    for message in messages {
        assert!(message.contains("`model.embed_tokens.weight`"), "{message}");
    }
}

#[test]
fn what_the_first_rank_cannot_save_every_rank_knows() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    for setting in settings(&[2]) {
        let messages = messages(2, |rank| {
            let (model, _) = load(&fixture("llama_gqa").dir, rank, setting)?;
            model.save(file.path())
        });
        let name = file.path().display().to_string();
        for message in messages {
            assert!(message.contains(&name), "{message}");
        }
    }
}

/// The part of each parameter that the second of two ranks loads under Llama's plan.
fn loaded(model: &dyn Modules, checkpoint: &Checkpoint) -> Result<Vec<Tensor>> {
    let layers = model.layers();
    let resolution = resolve(&LLAMA, &layers, Mode::TensorParallel)?;
    let parameters = resolution.parameters(&layers);
    let options = LoadOptions {
        rank: 1,
        world_size: 2,
        kind: Kind::Float,
        device: Device::Cpu,
        renames: &[],
        fresh_head: FreshHead::default(),
        seed: 0,
        std: 0.02,
    };
    checkpoint::load(checkpoint, &parameters, &options)?;
    Ok(parameters.iter().map(|named| named.param.local()).collect())
}

#[test]
fn a_model_that_was_asked_about_loads_as_a_fresh_one() -> Result<()> {
    let checkpoint = Checkpoint::open(&fixture("llama_gqa").dir)?;
    let setup = Setup {
        degree: std::num::NonZeroUsize::MIN.saturating_add(1),
        mode: Mode::TensorParallel,
        batch: 1,
        sequence: 4,
        dtype: Dtype::F32,
    };
    let asked = model::build(checkpoint.config())?;
    let explained = |plan: &'static Plan, model: &dyn Modules| -> Result<String> {
        Ok(explain(plan, model, setup)?.to_string())
    };
    let first = explained(&LLAMA, &*asked)?;
    assert_ne!(explained(&ROWS, &*asked)?, first);
    assert_eq!(explained(&LLAMA, &*asked)?, first);
    explained(&ROWS, &*asked)?;
    let fresh = model::build(checkpoint.config())?;
    assert_eq!(loaded(&*asked, &checkpoint)?, loaded(&*fresh, &checkpoint)?);
    Ok(())
}
