//! An adapter that PEFT made gives the logits, gradients and steps here that it gives there, on any grid.

use std::path::PathBuf;

use tch::{Kind, Tensor};
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::comm::{Launch, RankContext, launch};
use tp_runtime::dropout::Dropout;
use tp_runtime::lora::{Adapter, LoraConfig, Targets};
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::testing::{Fixture, Tolerance, assert_close, device};
use tp_runtime::train::{MicroBatch, Recompute, TrainOptions, Trainer, Zero};
use tp_runtime::{Mode, Result};
use tp_tests::fixture;
use tp_tests::grid::Grid;

/// As the fixture was trained.
const ADAMW: AdamWOptions = AdamWOptions {
    learning_rate: 1e-3,
    beta1: 0.9,
    beta2: 0.95,
    epsilon: 1e-6,
    weight_decay: 0.01,
    decayed: tp_runtime::optim::Decayed::All,
};

fn folder(name: &str) -> PathBuf {
    fixture("lora").dir.join(name)
}

fn load(
    name: &str,
    mode: Mode,
    rank: &RankContext,
    mesh: &[(&str, usize)],
) -> Result<ParallelModel> {
    let options = ParallelOptions {
        mode,
        device: rank.device,
        ..Default::default()
    };
    let checkpoint = Checkpoint::open(&fixture(name).dir)?;
    let adapter = Adapter::open(&folder(name))?;
    let loaded = ParallelModel::load_with(&checkpoint, Some(&adapter), &rank.mesh(mesh)?, options)?;
    Ok(loaded.0)
}

/// Three steps on a grid, whose data-parallel ranks have a text each.
fn learn(name: &str, grid: Grid, zero: Zero, recompute: Recompute) {
    grid.launch(|rank| {
        let reference = fixture("lora");
        let wanted = |what: &str| reference.tensor(&format!("{name}/{what}"));
        let mesh = [("dp", grid.dp), ("tp", grid.tp)];
        let model = load(name, grid.mode, &rank, &mesh)?;
        let place = |what: &str| format!("{name} {grid:?} {zero:?} {recompute:?}: {what}");
        let case = fixture(name);
        let logits = model.forward(&case.inputs("even"), None)?.full()?;
        assert_close(&place("logits"), &logits, &wanted("logits"), Tolerance::F32);
        let options = TrainOptions {
            zero,
            recompute,
            max_norm: None,
            bucket: 1000,
            seed: 0,
        };
        let mesh = rank.mesh(&mesh)?;
        let mut trainer =
            Trainer::new(model, &mesh, options, |parts| AdamW::of_parts(parts, ADAMW))?;
        let batch = [own_part(&case, grid.dp, mesh.coordinate("dp")?)];
        for step in 0..3 {
            let found = trainer.backward(&batch)?;
            let loss = wanted("losses").double_value(&[step]);
            assert!(
                (found.loss - loss).abs() < 1e-5 * loss,
                "{}: {} should be {loss}",
                place("loss"),
                found.loss
            );
            if step == 0 {
                for named in trainer.model().trained() {
                    let gradient = trainer.gradient(&named)?;
                    let wanted = wanted(&format!("grad.{}", named.name));
                    assert_close(&place(&named.name), &gradient, &wanted, Tolerance::F32);
                }
            }
            trainer.check_replicas()?;
            trainer.update(ADAMW.learning_rate)?;
        }
        let model = trainer.model();
        let trained = model.trained();
        let steps = format!("{name}/param.");
        assert_eq!(trained.len(), reference.names_under(&steps).len(), "{name}");
        let tolerance = Tolerance {
            absolute: 1e-4,
            relative: 1e-5,
        };
        for named in &trained {
            let wanted = wanted(&format!("param.{}", named.name));
            assert_close(
                &place(&named.name),
                &model.whole(named)?,
                &wanted,
                tolerance,
            );
        }
        Ok(())
    });
}

fn own_part(case: &Fixture, ranks: usize, rank: usize) -> MicroBatch {
    let mut inputs = case.inputs("even");
    let rows = inputs.input_ids.size()[0] / ranks as i64;
    let own = |tensor: &Tensor| tensor.narrow(0, rank as i64 * rows, rows);
    inputs.input_ids = own(&inputs.input_ids);
    inputs.attention_mask = inputs.attention_mask.as_ref().map(own);
    let labels = own(&case.tensor("even/labels"));
    MicroBatch { inputs, labels }
}

fn hold(name: &str, degrees: &[usize]) {
    for &tp in degrees {
        for mode in [Mode::TensorParallel, Mode::SequenceParallel] {
            learn(
                name,
                Grid::new(1, tp, mode),
                Zero::Replicas,
                Recompute::None,
            );
            learn(
                name,
                Grid::new(2, tp, mode),
                Zero::Optimizer,
                Recompute::Full,
            );
            learn(
                name,
                Grid::new(2, tp, mode),
                Zero::Parameters,
                Recompute::None,
            );
        }
    }
}

#[test]
fn llama() {
    hold("llama_gqa", &[1, 2, 4]);
    hold("llama_tied", &[1, 2]);
}

#[test]
fn qwen() {
    hold("qwen2", &[1, 2]);
    hold("qwen3_seqcls", &[1, 2]);
}

#[test]
fn gemma3() {
    hold("gemma3_text", &[1, 2]);
}

#[test]
fn ministral3() {
    hold("ministral3", &[1, 2]);
}

#[test]
fn phi() {
    hold("phi3", &[1, 2]);
    hold("phi2", &[1, 2]);
}

/// What is saved is what PEFT reads; merged, it is a model that needs no adapter.
#[test]
fn an_adapter_is_saved_and_merged() {
    for name in ["llama_gqa", "qwen2", "phi3", "qwen3_seqcls"] {
        let saved = tempfile::tempdir().expect("a folder");
        let (again, merged) = (saved.path().join("adapter"), saved.path().join("merged"));
        let grid = Grid::new(1, 2, Mode::SequenceParallel);
        grid.launch(|rank| {
            let model = load(name, grid.mode, &rank, &[("tp", 2)])?;
            model.save(&again)?;
            model.save_merged(&merged)
        });
        let read = |dir: &std::path::Path| {
            let file = dir.join("adapter_model.safetensors");
            let mut tensors = Tensor::read_safetensors(file).expect("tensors");
            tensors.sort_by(|(one, _), (other, _)| one.cmp(other));
            tensors
        };
        for ((found, values), (wanted, original)) in read(&again).iter().zip(&read(&folder(name))) {
            assert_eq!((found, values), (wanted, original), "{name}");
        }
        assert_eq!(read(&again).len(), read(&folder(name)).len(), "{name}");
        let config = |dir: &std::path::Path| Adapter::open(dir).expect("a config").config().clone();
        assert_eq!(config(&again), config(&folder(name)), "{name}");
        let job = Launch {
            device: device(),
            ..Launch::new(1)
        };
        launch(&job, |rank| -> Result<()> {
            let model = ParallelModel::from_pretrained(&merged)
                .device(rank.device)
                .load(&rank.mesh(&[("tp", 1)])?)?;
            assert_eq!(model.parameters()[0].param.local().kind(), Kind::Float);
            let logits = model.forward(&fixture(name).inputs("even"), None)?.full()?;
            let wanted = fixture("lora").tensor(&format!("{name}/logits"));
            assert_close(name, &logits, &wanted, Tolerance::F32);
            Ok(())
        })
        .expect("a merged model");
    }
}

/// Of a tied model, what is trained whole is saved under each of its names, since PEFT unties them.
#[test]
fn a_tied_parameter_stays_one() {
    let name = "llama_tied";
    let saved = tempfile::tempdir().expect("a folder");
    let config = LoraConfig {
        whole: vec!["embed_tokens".to_owned()],
        ..Default::default()
    };
    let load = |adapter: Adapter, rank: &RankContext| {
        ParallelModel::from_pretrained(fixture(name).dir)
            .adapter(adapter)
            .device(rank.device)
            .load(&rank.mesh(&[("tp", 2)])?)
    };
    let grid = Grid::new(1, 2, Mode::TensorParallel);
    grid.launch(|rank| load(Adapter::new(config.clone(), 3), &rank)?.save(saved.path()));
    let again = Adapter::open(saved.path()).expect("a config");
    assert_eq!(again.config().whole, ["embed_tokens", "lm_head"]);
    let file = saved.path().join("adapter_model.safetensors");
    let mut tensors = Tensor::read_safetensors(&file).expect("tensors");
    let embedding = |(name, _): &(String, Tensor)| name.ends_with("embed_tokens.weight");
    let head = |(name, _): &(String, Tensor)| name.ends_with("lm_head.weight");
    let of = |is: &dyn Fn(&(String, Tensor)) -> bool| {
        tensors
            .iter()
            .find(|one| is(one))
            .expect("a tensor")
            .1
            .copy()
    };
    assert_eq!(of(&embedding), of(&head));
    grid.launch(|rank| load(again.clone(), &rank).map(drop));
    // As PEFT saves one that it has trained apart.
    tensors.retain(|one| !embedding(one));
    Tensor::write_safetensors(&tensors, &file).expect("a file");
    let refused = grid.launch(|rank| {
        Ok(load(again.clone(), &rank)
            .err()
            .map(|error| error.to_string()))
    });
    let message = refused.expect("an error");
    assert!(
        message.contains("has none for `model.embed_tokens.weight`"),
        "{message}"
    );
}

#[test]
fn an_adapter_of_a_tied_head_is_not_merged() {
    let grid = Grid::new(1, 1, Mode::TensorParallel);
    let config = LoraConfig {
        targets: Targets::Names(vec!["lm_head".to_owned()]),
        ..Default::default()
    };
    let refused = grid.launch(|rank| {
        let model = ParallelModel::from_pretrained(fixture("llama_tied").dir)
            .adapter(Adapter::new(config.clone(), 0))
            .load(&rank.mesh(&[("tp", 1)])?)?;
        let folder = tempfile::tempdir().expect("a folder");
        Ok(model
            .save_merged(folder.path())
            .err()
            .map(|error| error.to_string()))
    });
    let message = refused.expect("an error");
    assert!(message.contains("it would change all of them"), "{message}");
}

/// What an adapter does not see of its layers' inputs is the same on any grid, recomputed or not.
#[test]
fn dropout_is_the_same_on_any_grid() {
    let gradients = |grid: Grid, recompute: Recompute, dropout: f64| {
        grid.launch(|rank| {
            let config = LoraConfig {
                dropout: Dropout::new(dropout)?,
                ..Adapter::open(&folder("llama_gqa"))?.config().clone()
            };
            let mesh = rank.mesh(&[("dp", grid.dp), ("tp", grid.tp)])?;
            let model = ParallelModel::from_pretrained(fixture("llama_gqa").dir)
                .mode(grid.mode)
                .adapter(Adapter::new(config, 5))
                .device(rank.device)
                .load(&mesh)?;
            let options = TrainOptions {
                recompute,
                max_norm: None,
                seed: 9,
                ..Default::default()
            };
            let mut trainer =
                Trainer::new(model, &mesh, options, |parts| AdamW::of_parts(parts, ADAMW))?;
            let batch = [own_part(
                &fixture("llama_gqa"),
                grid.dp,
                mesh.coordinate("dp")?,
            )];
            // B is zeros before the first step: without it nothing could be told of A.
            trainer.backward(&batch)?;
            trainer.update(1e-2)?;
            trainer.backward(&batch)?;
            let trained = trainer.model().trained();
            let whole = trained
                .iter()
                .map(|named| Ok((named.name.clone(), trainer.gradient(named)?)));
            whole.collect::<Result<Vec<_>>>()
        })
    };
    let one = Grid::new(1, 1, Mode::TensorParallel);
    let wanted = gradients(one, Recompute::None, 0.3);
    let without = gradients(one, Recompute::None, 0.0);
    assert!(
        wanted
            .iter()
            .zip(&without)
            .all(|((_, with), (_, without))| !with.allclose(without, 1e-3, 0.0, false))
    );
    let tolerance = Tolerance {
        absolute: 1e-6,
        // A first step is as long however small the gradient: noise in it shows in the second.
        relative: 1e-3,
    };
    for (dp, tp, mode) in [
        (1, 2, Mode::TensorParallel),
        (1, 4, Mode::SequenceParallel),
        (2, 2, Mode::SequenceParallel),
    ] {
        for recompute in [Recompute::None, Recompute::Full] {
            let grid = Grid::new(dp, tp, mode);
            for ((name, found), (_, wanted)) in gradients(grid, recompute, 0.3).iter().zip(&wanted)
            {
                assert_close(
                    &format!("{name} {grid:?} {recompute:?}"),
                    found,
                    wanted,
                    tolerance,
                );
            }
        }
    }
}
