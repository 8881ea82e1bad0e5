//! Checkpoints that hold something else than their config says, loaded on ranks and saved again.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};
use tp_models as _;
use tp_runtime::Result;
use tp_runtime::checkpoint::{Checkpoint, Finding};
use tp_runtime::config;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::settings;
use tp_tests::fixture;
use tp_tests::ranks::on_bare_ranks;

/// A copy of a fixture's checkpoint, its config changed.
fn copy(name: &str, change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let (original, copy) = (fixture(name).dir, tempfile::tempdir());
    let copy = copy.expect("a temporary folder");
    for file in fs::read_dir(&original).expect("a fixture").flatten() {
        fs::copy(file.path(), copy.path().join(file.file_name())).expect("a copy");
    }
    let mut config = config::read(&original.join("config.json")).expect("a config");
    change(&mut config);
    fs::write(copy.path().join("config.json"), config.to_string()).expect("a config");
    copy
}

/// Loads on `degree` ranks, looks at the model on each, and gives what each was told.
fn findings(
    dir: &Path,
    degree: usize,
    look: impl Fn(&ParallelModel) -> Result<()> + Sync,
) -> Vec<Vec<Finding>> {
    let findings = Mutex::new(Vec::new());
    on_bare_ranks(degree, |rank| {
        let mesh = rank.mesh(&[("tp", degree)])?;
        let model = ParallelModel::from_pretrained(dir).seed(5).load(&mesh)?;
        look(&model)?;
        let mut findings = findings.lock().expect("no rank panicked");
        findings.push(model.findings().to_vec());
        Ok(())
    });
    findings.into_inner().expect("no rank panicked")
}

/// The value of a parameter on all ranks together.
fn whole(model: &ParallelModel, name: &str) -> Result<Tensor> {
    let parameters = model.parameters();
    let named = parameters.iter().find(|named| named.name == name);
    model.whole(named.unwrap_or_else(|| panic!("no parameter `{name}`")))
}

#[test]
fn ranks_untie_a_head_of_which_one_of_them_has_seen_other_values() -> Result<()> {
    let (table, head) = ("model.embed_tokens.weight", "lm_head.weight");
    let dir = copy("llama_tied", |_| {});
    let file = dir.path().join("model.safetensors");
    let mut tensors = Tensor::read_safetensors(&file)?;
    let stored = tensors.iter().find(|(name, _)| name == table);
    let stored = stored.expect("the table").1.copy();
    for differs in [false, true] {
        let other = stored.copy();
        if differs {
            let _ = other.get(0).fill_(0.5);
        }
        tensors.retain(|(name, _)| name != head);
        tensors.push((head.to_owned(), other));
        Tensor::write_safetensors(&tensors, &file)?;
        for setting in settings(&[1, 2]) {
            let saved = tempfile::tempdir().expect("a temporary folder");
            let told = findings(dir.path(), setting.degree, |model| {
                let checkpoint = Checkpoint::open(dir.path())?;
                for name in [table, head].into_iter().take(1 + usize::from(differs)) {
                    let stored = checkpoint.read(name, Kind::Float, Device::Cpu)?;
                    assert_eq!(whole(model, name)?, stored);
                }
                model.save(saved.path())
            });
            let untied = Finding::Untied {
                name: table.to_owned(),
                others: vec![head.to_owned()],
            };
            let expected = if differs { vec![untied] } else { vec![] };
            assert_eq!(told, vec![expected; setting.degree]);
            let config = config::read(&saved.path().join("config.json"))?;
            assert_eq!(config["tie_word_embeddings"], !differs);
            // What was saved says itself what it is.
            let again = findings(saved.path(), 1, |model| {
                assert_eq!(
                    model.parameters().iter().any(|named| named.name == head),
                    differs
                );
                Ok(())
            });
            assert_eq!(again, [[]]);
        }
    }
    Ok(())
}

#[test]
fn weights_stored_as_fp8_are_saved_as_what_they_stand_for() -> Result<()> {
    for name in ["llama_fp8", "ministral3_fp8"] {
        let dir = copy(name, |_| {});
        let original = Checkpoint::open(&fixture(name).dir)?;
        let quantized = fs::read_to_string(fixture(name).dir.join("config.json"));
        let quantized: Value = serde_json::from_str(&quantized.expect("a config")).expect("JSON");
        // Described by modelopt's file, which must not outlive the weights that it describes.
        let described = json!({ "quantization": { "quant_algo": "FP8" } });
        let modelopt = dir.path().join("hf_quant_config.json");
        fs::write(&modelopt, described.to_string()).expect("a file");
        let told = findings(dir.path(), 2, |model| model.save(dir.path()));
        assert_eq!(
            told,
            vec![
                vec![Finding::Fp8 {
                    count: 14,
                    kind: Kind::Float
                }];
                2
            ]
        );
        assert!(!modelopt.exists());
        let saved = Checkpoint::open(dir.path())?;
        let mut expected = quantized;
        expected["dtype"] = json!("float32");
        expected
            .as_object_mut()
            .expect("fields")
            .remove("quantization_config");
        assert_eq!(saved.config(), &expected);
        assert_eq!(saved.tensors().count(), original.tensors().count());
        for (name, _) in original.tensors() {
            let read = |checkpoint: &Checkpoint| checkpoint.read(name, Kind::Float, Device::Cpu);
            assert_eq!(read(&saved)?, read(&original)?, "{name}");
        }
        assert_eq!(findings(dir.path(), 2, |_| Ok(())), [[], []]);
    }
    Ok(())
}

#[test]
fn a_classifier_starts_from_a_language_model() {
    for name in ["llama_gqa", "qwen2", "qwen3"] {
        let dir = copy(name, |config| {
            let architecture = config["architectures"][0].as_str().expect("a name");
            let classifier = architecture.replace("CausalLM", "SequenceClassification");
            config["architectures"] = json!([classifier]);
            config["num_labels"] = json!(3);
        });
        let scores = Mutex::new(Vec::new());
        for degree in [1, 2] {
            let told = findings(dir.path(), degree, |model| {
                let score = whole(model, "score.weight")?.detach();
                scores.lock().expect("no rank panicked").push(score);
                Ok(())
            });
            let fresh = Finding::Fresh {
                name: "score.weight".to_owned(),
                seed: 5,
            };
            let name = "lm_head.weight".to_owned();
            assert_eq!(told, vec![vec![Finding::OtherHead { name }, fresh]; degree]);
        }
        let scores = scores.into_inner().expect("no rank panicked");
        assert!(scores.iter().all(|score| score == &scores[0]), "{name}");
    }
}
