//! `tp generate --prompts` says of each prompt of a file what it says of the prompt alone.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::generate::model;
use crate::support::{errors, fixture, printed, refused, tp};

const PROMPTS: [&str; 5] = [
    "Once upon a time",
    "Lily",
    "One day, a little boy went to the park and saw a big dog.",
    "Once upon a time",
    "The cat was",
];

/// A file of this text, in a folder of its own.
fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join(name);
    std::fs::write(&file, text).expect("a test can write");
    (dir, file)
}

fn alone(model: &Path, prompt: &str, flags: &str) -> String {
    printed(tp!["generate --threads 1 --model", model, flags].args(["--prompt", prompt]))
}

fn together(model: &Path, file: &Path, flags: &str) -> String {
    printed(&mut tp![
        "generate --threads 1 --model",
        model,
        "--prompts",
        file,
        flags
    ])
}

/// The objects in the lines of a text.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    let object = |line| serde_json::from_str(line).expect("JSON");
    text.lines().map(object).collect()
}

#[test]
fn texts_are_those_of_each_prompt_alone_in_the_order_of_the_file() {
    let (_dir, file) = file("prompts.txt", &PROMPTS.join("\n"));
    let stories = fixture("stories260k");
    let flags = "--max-new-tokens 20 --repetition-penalty 1.2";
    let each = PROMPTS.map(|prompt| alone(&stories, prompt, flags));
    for batches in [
        "--batch-size 1",
        "--batch-size 2 --tp 2",
        "--tp 2 --sequence-parallel",
        "",
    ] {
        let told = together(&stories, &file, &format!("{flags} {batches}"));
        assert_eq!(told, each.concat(), "{batches}");
    }
}

#[test]
fn each_prompt_is_sampled_under_a_seed_of_its_own() {
    let (_dir, file) = file("prompts.txt", &PROMPTS.join("\n"));
    let stories = fixture("stories260k");
    let flags = "--max-new-tokens 20 --temperature 0.9 --top-p 0.95";
    let each: Vec<String> = PROMPTS
        .iter()
        .zip(7..)
        .map(|(prompt, seed)| alone(&stories, prompt, &format!("{flags} --seed {seed}")))
        .collect();
    assert_ne!(each[0], each[3]);
    for batches in ["--batch-size 2", "--tp 2"] {
        let told = together(&stories, &file, &format!("{flags} --seed 7 {batches}"));
        assert_eq!(told, each.concat(), "{batches}");
    }
}

#[test]
fn what_became_of_each_prompt_is_an_object() {
    let lines = PROMPTS.map(|prompt| json!({ "prompt": prompt, "id": 5 }).to_string() + "\n");
    let (_dir, file) = file("prompts.jsonl", &lines.concat());
    let dir = model(&json!({ "eos_token_id": [2, 385], "stop_strings": ["zzz", " toys"] }));
    let flags = "--max-new-tokens 48 --stop were --stop zebra";
    let told = objects(&together(
        dir.path(),
        &file,
        &format!("{flags} --json --tp 2"),
    ));
    assert_eq!(told.len(), PROMPTS.len());
    let mut finishes = Vec::new();
    for (object, prompt) in told.iter().zip(PROMPTS) {
        let text = object["text"].as_str().expect("a text");
        assert_eq!(object["prompt"], prompt);
        assert_eq!(
            format!("{prompt}{text}\n"),
            alone(dir.path(), prompt, flags)
        );
        let number = |name: &str| object[name].as_f64().expect("a number");
        let rate = number("tokens") / number("seconds");
        assert!((number("tokens_per_second") - rate).abs() < 1e-6 * rate);
        let finish = object["finish"].as_str().expect("a reason");
        let stops = ["were", "zebra", " toys"]
            .iter()
            .any(|stop| text.contains(stop));
        assert_eq!(finish == "stop", stops, "{object}");
        assert_eq!(finish == "length", number("tokens") == 48.0, "{object}");
        finishes.push(finish);
        // One prompt alone has the same object but for the time.
        let one = &objects(&alone(dir.path(), prompt, &format!("{flags} --json")))[0];
        for field in ["prompt", "text", "tokens", "finish"] {
            assert_eq!(one[field], object[field], "{field} of {object}");
        }
    }
    finishes.sort_unstable();
    finishes.dedup();
    assert_eq!(finishes, ["eos", "length", "stop"], "{told:?}");
}

#[test]
fn the_rate_is_said_once() {
    let (_dir, file) = file("prompts.txt", "Once\nLily was");
    for flags in ["--tp 1", "--tp 2"] {
        let mut command = tp!["generate --threads 1 --max-new-tokens 3 --model"];
        command
            .arg(fixture("stories260k"))
            .arg("--prompts")
            .arg(&file);
        let output = command.args(flags.split(' ')).output().expect("it starts");
        let said = errors(&output);
        assert!(said.starts_with("note: 6 new tokens in "), "{said}");
        assert_eq!(said.matches("tok/s").count(), 1, "{said}");
    }
}

#[test]
fn files_that_hold_no_prompts() {
    let stories = fixture("stories260k");
    let says = |name: &str, text: &str, flags: &str, parts: &[&str]| {
        let (_dir, file) = file(name, text);
        let mut command = tp!["generate --model", stories, "--prompts", file, flags];
        let message = refused(&mut command, 1);
        for part in parts {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    };
    says("a.txt", "", "--tp 2", &["a.txt` is empty"]);
    says(
        "a.txt",
        "Once\n\nLily",
        "",
        &["a.txt`, line 2: it is blank"],
    );
    says(
        "a.jsonl",
        "{\"prompt\": 5}",
        "",
        &["line 1", "`prompt`, a text"],
    );
    says(
        "a.jsonl",
        "{\"text\": \"Once\"}",
        "",
        &["line 1: it has neither"],
    );
    let both = r#"{"prompt": "Once", "messages": []}"#;
    says("a.jsonl", both, "", &["line 1: it has both"]);
    let nobody = r#"{"messages": [{"content": "Hello"}]}"#;
    says("a.jsonl", nobody, "", &["line 1", "no `role`"]);
    let chat = r#"{"messages": [{"role": "user", "content": "Hello"}]}"#;
    says(
        "a.jsonl",
        chat,
        "--tp 2",
        &["line 1", "has no chat template"],
    );
    let long = format!("Once\n{}", "Lily was happy. ".repeat(200));
    says(
        "a.txt",
        &long,
        "",
        &[
            "line 2: the prompt has",
            "made for 512 (`max_position_embeddings`)",
        ],
    );
    let dir = model(&json!({ "max_length": 5 }));
    let (_dir, file) = file("a.txt", "Once\nOnce upon a time");
    let mut command = tp!["generate --model", dir.path(), "--prompts", file];
    let message = refused(&mut command, 1);
    assert!(
        message.contains("line 2: the prompt has 5 tokens"),
        "{message}"
    );
    let mut command = tp!["generate --prompts /no_such_file --model", stories];
    assert!(refused(&mut command, 1).contains("/no_such_file"));
}

#[test]
fn flags_that_exclude_each_other() {
    for (flags, part) in [
        ("", "--prompt <TEXT>"),
        ("--prompt Once --prompts a.txt", "cannot be used with"),
        ("--prompts a.txt --image a.png", "cannot be used with"),
        ("--chat --image a.png", "cannot be used with"),
        ("--chat --user Hi --prompt Hi", "cannot be used with"),
        ("--chat --user Hi --prompts a.txt", "cannot be used with"),
        ("--prompt Once --batch-size 2", "cannot be used with"),
        ("--chat --batch-size 2", "--prompts <FILE>"),
        ("--prompts a.txt --batch-size 0", "--batch-size"),
        ("--prompt Once --system You", "--chat"),
        ("--user Hi", "--chat"),
    ] {
        let message = refused(&mut tp!["generate --model none", flags], 2);
        assert!(message.contains(part), "{flags}: {message}");
    }
    let mut empty = tp!["generate --model none --prompt Once --stop"];
    assert!(refused(empty.arg(""), 2).contains("--stop"));
}
