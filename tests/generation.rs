//! What `generation_config.json` asks for is what transformers makes of it, at every degree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tch::{Kind, Tensor};
use tp_models as _;
use tp_runtime::generate::{GenerationConfig, Progress, generate};
use tp_runtime::model::Inputs;
use tp_runtime::testing::{on_ranks, settings};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

fn reference() -> Value {
    let text = fs::read_to_string(folder("generation").join("cases.json")).expect("a fixture");
    serde_json::from_str(&text).expect("JSON")
}

/// The settings of a checkpoint whose `generation_config.json` is this, or that has none.
fn beside(file: Option<&Value>, config: &Value) -> GenerationConfig {
    let dir = tempfile::tempdir().expect("a folder");
    if let Some(file) = file {
        let path = dir.path().join("generation_config.json");
        fs::write(path, file.to_string()).expect("a file");
    }
    GenerationConfig::beside(dir.path(), config).expect("settings")
}

fn of(file: &Value) -> GenerationConfig {
    beside(Some(file), &json!({}))
}

#[test]
fn scores_are_those_of_transformers() {
    let read = Tensor::read_safetensors(folder("generation").join("scores.safetensors"))
        .expect("a fixture");
    let tensors: BTreeMap<String, Tensor> = read.into_iter().collect();
    let reference = reference();
    let prompt = reference["prompt"].as_i64().expect("a length");
    let cases = reference["cases"].as_object().expect("cases");
    assert!(cases.len() > 20);
    let mut changed = 0;
    for (name, fields) in cases {
        let settings = of(fields);
        let new_tokens = settings.new_tokens(prompt).unwrap_or(20);
        let progress = Progress {
            ids: &tensors["ids"],
            prompt,
            limit: prompt + new_tokens,
        };
        let processors = settings.options(new_tokens, &[0]).processors;
        let scores = tensors["scores"].shallow_clone();
        let found = processors.iter().fold(scores, |scores, processor| {
            processor.apply(&scores, progress).expect("scores")
        });
        let expected = &tensors[name];
        assert!(
            found.allclose(expected, 1e-6, 1e-6, false),
            "{name}: {processors:?}"
        );
        changed += i32::from(found != tensors["scores"]);
    }
    assert!(changed > 20, "{changed} cases change something");
}

#[test]
fn texts_are_those_of_transformers_at_every_degree() {
    let reference = reference();
    let texts = reference["texts"].as_object().expect("texts");
    let stories = folder("stories260k");
    for (name, text) in texts {
        // What ends in the middle of a token takes a tokenizer.
        if text["settings"].get("stop_strings").is_some() {
            continue;
        }
        let generation = of(&text["settings"]);
        let ids = |of: &str| {
            let ids = text[of].as_array().expect("ids").iter();
            let ids: Vec<i64> = ids.map(|id| id.as_i64().expect("an id")).collect();
            Tensor::from_slice(&ids).unsqueeze(0)
        };
        for setting in settings(&[1, 2]) {
            on_ranks(&stories, setting, Kind::Float, |model| {
                let prompt = ids("prompt_ids");
                let length = prompt.size()[1];
                let new_tokens = generation.new_tokens(length).expect("a length");
                let options = generation.options(new_tokens, &[0]);
                let go_on = |_: &Tensor| std::ops::ControlFlow::Continue(());
                let generated = generate(model, &Inputs::new(prompt), &options, go_on)?;
                assert_eq!(generated, ids("generated"), "{name}");
                Ok(())
            });
        }
    }
}

#[test]
fn without_a_file_the_fields_of_the_config_count() {
    let config = json!({
        "eos_token_id": null,
        "max_length": 20,
        "hidden_size": 8,
        "text_config": { "eos_token_id": [4, 5], "max_length": 30, "num_beams": 4 },
    });
    let settings = beside(None, &config);
    assert_eq!(settings.eos_token_id, [4, 5]);
    assert_eq!(settings.new_tokens(6), Some(14));
    assert!(settings.unread().is_empty());
    // A file that is there is all that counts.
    let settings = beside(Some(&json!({})), &config);
    assert!(settings.eos_token_id.is_empty());
    assert_eq!(settings.new_tokens(6), None);
}

#[test]
fn what_is_not_done_is_named() {
    let settings = of(&json!({
        "num_beams": 4,
        "num_return_sequences": 1,
        "guidance_scale": 1.0,
        "token_healing": false,
        "watermarking_config": null,
        "penalty_alpha": 0.6,
        "max_time": 2.5,
        "length_penalty": 0.9,
        "repetion_penalty": 1.1,
        "transformers_version": "4.57.0",
        "repetition_penalty": 1.1,
    }));
    assert_eq!(
        settings.unread(),
        [
            "num_beams: 4",
            "penalty_alpha: 0.6",
            "max_time: 2.5",
            "repetion_penalty: 1.1"
        ]
    );
}

#[test]
fn settings_of_another_type_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("generation_config.json");
    for (text, named) in [
        (r#"{"top_k": 2.5}"#, "top_k"),
        (r#"{"temperature": "warm"}"#, "temperature"),
        (r#"{"eos_token_id": "</s>"}"#, "eos_token_id"),
        ("[]", "generation_config.json"),
    ] {
        fs::write(&file, text).expect("a file");
        let refused = GenerationConfig::beside(dir.path(), &json!({}));
        let error = refused.expect_err(text).to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}
