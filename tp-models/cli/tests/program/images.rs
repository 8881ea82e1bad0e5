//! `tp generate --image` says of a picture what transformers says.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{fixture, printed, refused, tp};

/// A checkpoint with its tokenizer and processor beside it.
fn model(name: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for from in [fixture(name), fixture("images").join(name)] {
        for file in std::fs::read_dir(from).expect("a fixture") {
            let file = file.expect("a fixture");
            std::fs::copy(file.path(), dir.path().join(file.file_name()))
                .expect("a test can write");
        }
    }
    dir
}

fn picture() -> PathBuf {
    fixture("images").join("picture.png")
}

fn generate(dir: &Path, flags: &str, prompt: &str, image: &Path) -> Command {
    let mut command = tp!["generate --threads 1 --model", dir, flags, "--image", image];
    command.args(["--prompt", prompt]);
    command
}

fn facts(name: &str) -> (String, String) {
    let text = std::fs::read_to_string(fixture("images").join("reference.json"));
    let facts: Value = serde_json::from_str(&text.expect("a fixture")).expect("JSON");
    let fact = |key: &str| facts[name][key].as_str().expect("a text").to_owned();
    (fact("text"), fact("told"))
}

fn check(name: &str) {
    let dir = model(name);
    let (text, told) = facts(name);
    for flags in ["--tp 1", "--tp 2", "--tp 4"] {
        let flags = format!("--max-new-tokens {} {flags}", told.chars().count());
        let said = printed(&mut generate(dir.path(), &flags, &text, &picture()));
        assert_eq!(said, format!("{text}{told}\n"), "{name}, {flags}");
    }
}

#[test]
fn gemma3_sees_what_transformers_sees() {
    check("gemma3_cond");
}

#[test]
fn mistral3_sees_what_transformers_sees() {
    check("mistral3_cond");
}

#[test]
fn images_that_cannot_be_seen() {
    let dir = model("mistral3_cond");
    let says = |dir: &Path, prompt: &str, image: &Path, parts: &[&str]| {
        let message = refused(&mut generate(dir, "--tp 2", prompt, image), 1);
        for part in parts {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    };
    let text = dir.path().join("config.json");
    says(
        dir.path(),
        "What?",
        &text,
        &["config.json", "PNG, JPEG and WebP"],
    );
    says(
        dir.path(),
        "What?",
        Path::new("/no_such.png"),
        &["/no_such.png"],
    );
    says(
        dir.path(),
        "[IMG] or [IMG]?",
        &picture(),
        &["2 of `[IMG]`", "1 images"],
    );
    let stories = fixture("stories260k");
    says(
        &stories,
        "Once",
        &picture(),
        &["`LlamaForCausalLM` takes no images"],
    );
    std::fs::remove_file(dir.path().join("processor_config.json")).expect("a copy");
    says(
        dir.path(),
        "What?",
        &picture(),
        &["preprocessor_config.json"],
    );
}
