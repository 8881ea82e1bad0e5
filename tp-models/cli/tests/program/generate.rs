//! `tp generate` tells the same story at every degree.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{errors, fixture, printed, refused, tp};

fn told(flags: &str) -> String {
    printed(
        tp![
            "generate --threads 1 --model",
            fixture("stories260k"),
            flags
        ]
        .args(["--prompt", "Once upon a time"]),
    )
}

#[test]
fn greedy_text_is_that_of_transformers() {
    let reference = std::fs::read_to_string(fixture("stories260k").join("reference.json"));
    let reference: Value =
        serde_json::from_str(&reference.expect("a fixture")).expect("the fixture is JSON");
    let text = reference["text"].as_str().expect("the fixture has a text");
    for flags in [
        "--tp 1",
        "--tp 2",
        "--tp 3 --sequence-parallel",
        "--tp 4",
        "--tp 10",
    ] {
        let told = told(&format!("--max-new-tokens 64 {flags}"));
        assert_eq!(told.trim_end(), text.trim_end(), "{flags}");
    }
}

#[test]
fn a_seed_tells_one_story_at_every_degree() {
    let random = |seed: u64, tp| {
        told(&format!(
            "--max-new-tokens 96 --temperature 0.9 --top-p 0.95 --seed {seed} --tp {tp}"
        ))
    };
    let alone = random(7, 1);
    assert!(
        alone.starts_with("Once upon a time") && alone.len() > 100,
        "{alone}"
    );
    assert_eq!(random(7, 2), alone);
    assert_eq!(random(7, 3), alone);
    assert_eq!(random(7, 4), alone);
    assert_ne!(random(8, 1), alone);
}

#[test]
fn no_new_tokens_leave_the_prompt() {
    assert_eq!(told("--max-new-tokens 0"), "Once upon a time\n");
}

/// The trained model, with another `generation_config.json`.
pub(crate) fn model(settings: &Value) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        let from = fixture("stories260k").join(file);
        std::fs::copy(from, dir.path().join(file)).expect("a copy");
    }
    let file = dir.path().join("generation_config.json");
    std::fs::write(file, settings.to_string()).expect("a file");
    dir
}

fn continued(model: &Path, flags: &str) -> String {
    let mut command = tp!["generate --threads 1 --model", model, flags];
    let text = printed(command.args(["--prompt", "Once upon a time"]));
    text.strip_suffix('\n').expect("a line").to_owned()
}

#[test]
fn settings_of_the_checkpoint_are_followed_as_by_transformers() {
    let cases = std::fs::read_to_string(fixture("generation").join("cases.json"));
    let cases: Value = serde_json::from_str(&cases.expect("a fixture")).expect("JSON");
    let texts = cases["texts"].as_object().expect("texts");
    for (name, case) in texts {
        let dir = model(&case["settings"]);
        for flags in ["--tp 1", "--tp 2"] {
            let text = continued(dir.path(), flags);
            assert_eq!(
                text,
                case["text"].as_str().expect("a text"),
                "{name}, {flags}"
            );
        }
    }
}

#[test]
fn flags_win_over_settings() {
    let plain = continued(&fixture("stories260k"), "--max-new-tokens 24");
    let dir = model(&json!({
        "do_sample": true,
        "temperature": 3.0,
        "repetition_penalty": 1.5,
        "max_new_tokens": 30,
    }));
    let sampled = continued(dir.path(), "");
    assert_ne!(sampled, plain);
    assert_eq!(continued(dir.path(), "--tp 2"), sampled);
    assert_ne!(continued(dir.path(), "--seed 1"), sampled);
    for greedy in ["--temperature 0", "--top-k 1"] {
        let flags = format!("{greedy} --repetition-penalty 1 --max-new-tokens 24");
        assert_eq!(continued(dir.path(), &flags), plain, "{greedy}");
    }
}

#[test]
fn what_is_not_followed_is_said() {
    let dir = model(&json!({ "num_beams": 3, "max_new_tokens": 2 }));
    let mut command = tp!["generate --tp 2 --model", dir.path(), "--prompt Once"];
    let output = command.output().expect("the program starts");
    assert!(output.status.success());
    let said = errors(&output);
    assert_eq!(said.matches("num_beams: 3").count(), 1, "{said}");
    assert!(said.starts_with("note: "), "{said}");
}

#[test]
fn settings_that_leave_nothing_to_say() {
    for (settings, flags, part) in [
        (
            json!({ "max_length": 3 }),
            "",
            "`max_length` 3: give --max-new-tokens",
        ),
        (json!({ "top_k": "many" }), "", "top_k"),
        (
            json!({ "do_sample": true, "temperature": 0.0 }),
            "",
            "`temperature` is 0",
        ),
        (json!({}), "--min-p 0.5", "give --temperature"),
        (json!({}), "--seed 5", "give --temperature"),
    ] {
        let dir = model(&settings);
        let mut command = tp!["generate --model", dir.path(), flags];
        let message = refused(command.args(["--prompt", "Once upon a time"]), 1);
        assert!(message.contains(part), "{settings}: {message}");
    }
}

#[test]
fn what_a_tokenizer_was_saved_with_is_forgotten() {
    let dir = model(&json!({}));
    let file = dir.path().join("tokenizer.json");
    let text = std::fs::read_to_string(&file).expect("a copy");
    let mut tokenizer: Value = serde_json::from_str(&text).expect("JSON");
    tokenizer["truncation"] = json!({
        "max_length": 3, "stride": 0, "strategy": "LongestFirst", "direction": "Right",
    });
    tokenizer["padding"] = json!({
        "strategy": { "Fixed": 12 }, "direction": "Left", "pad_to_multiple_of": null,
        "pad_id": 2, "pad_type_id": 0, "pad_token": "</s>",
    });
    tokenizer["model"]["dropout"] = json!(0.5);
    std::fs::write(&file, tokenizer.to_string()).expect("a file");
    let flags = "--max-new-tokens 24";
    assert_eq!(
        continued(dir.path(), flags),
        continued(&fixture("stories260k"), flags)
    );
}
