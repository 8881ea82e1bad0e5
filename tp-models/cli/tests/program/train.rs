//! `tp train`: the same falling loss at every degree, and a checkpoint that goes on.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{fixture, printed, tp};

/// A text with something to learn in it.
pub(crate) fn write_text(file: &Path) {
    let text = "The cat sat on the mat. The dog sat on the log. ".repeat(40);
    std::fs::write(file, text).expect("the folder is there");
}

/// The first and the last loss that a run prints.
fn losses(printed: &str) -> (f64, f64) {
    let line = printed.lines().next().expect("the losses are printed");
    let losses = line
        .split_once(": loss ")
        .and_then(|(_, rest)| rest.split_once(" to "));
    let (first, last) = losses.unwrap_or_else(|| panic!("no losses in {line}"));
    let number = |text: &str| text.parse().expect("a loss is a number");
    (number(first), number(last))
}

#[test]
fn the_loss_falls_alike_at_every_degree() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("text");
    write_text(&data);
    let train = |flags| {
        let text = printed(&mut tp![
            "train --threads 1 --steps 12 --batch 2 --sequence 31 --learning-rate 0.01",
            flags,
            "--config",
            fixture("stories260k").join("config.json"),
            "--data",
            data,
        ]);
        losses(&text)
    };
    let (first, last) = train("--tp 1");
    // Untrained, every one of the 512 tokens is as likely.
    assert!((first - 512f64.ln()).abs() < 0.2, "{first}");
    assert!(last < first - 1.0, "{first} to {last}");
    for flags in [
        "--tp 2",
        "--tp 2 --sequence-parallel",
        "--tp 4 --check-replicas",
    ] {
        let (other_first, other_last) = train(flags);
        let near = (other_first - first).abs() < 2e-3 && (other_last - last).abs() < 5e-3;
        assert!(
            near,
            "{flags}: {other_first} to {other_last}, not {first} to {last}"
        );
    }
}

/// A folder with the trained model's config and tokenizer, the latter saved as it was last used, and more beside.
fn surroundings() -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).expect("the folder is there");
    };
    let read =
        |name: &str| std::fs::read_to_string(fixture("stories260k").join(name)).expect("a fixture");
    write("config.json", &read("config.json"));
    let mut tokenizer: Value = serde_json::from_str(&read("tokenizer.json")).expect("JSON");
    tokenizer["truncation"] = json!({
        "max_length": 20, "stride": 0, "strategy": "LongestFirst", "direction": "Right",
    });
    write("tokenizer.json", &tokenizer.to_string());
    for name in TRAVELLING.iter().chain(&STAYING) {
        write(name, "{}");
    }
    dir
}

const TRAVELLING: [&str; 5] = [
    "preprocessor_config.json",
    "processor_config.json",
    "tekken.json",
    "chat_template.jinja",
    "generation_config.json",
];

const STAYING: [&str; 2] = ["notes.txt", "pytorch_model.bin"];

#[test]
fn what_goes_with_a_config_goes_on_with_its_checkpoints() {
    let (from, dir) = (surroundings(), tempfile::tempdir().expect("a folder"));
    let (data, runs) = (dir.path().join("text"), dir.path().join("runs"));
    write_text(&data);
    let train = |flags: &str, from: &Path, runs: &Path| {
        printed(&mut tp![
            "train --threads 1 --steps 1 --batch 2 --sequence 64",
            flags,
            from,
            "--data",
            &data,
            "--save",
            runs,
        ])
    };
    train("--config", &from.path().join("config.json"), &runs);
    let again = dir.path().join("again");
    train("--model", &runs.join("step-1"), &again);
    for runs in [runs, again] {
        let holds = |name: &&str| runs.join("step-1").join(name).exists();
        assert!(TRAVELLING.iter().all(&holds), "{runs:?}");
        assert!(!STAYING.iter().any(holds), "{runs:?}");
    }
}

#[test]
fn what_is_saved_generates_and_trains_on() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (data, saved) = (dir.path().join("text"), dir.path().join("saved"));
    write_text(&data);
    let train = |from, path: &Path, to: &Path, tp| {
        let text = printed(&mut tp![
            format!(
                "train --threads 1 --steps 30 --batch 4 --sequence 32 --learning-rate 0.01 --tp {tp}"
            ),
            from,
            path,
            "--data",
            data,
            "--save",
            to,
        ]);
        assert!(text.contains(&format!("saved {}", to.display())), "{text}");
        losses(&text)
    };
    let (_, last) = train(
        "--config",
        &fixture("stories260k").join("config.json"),
        &saved,
        2,
    );
    let tell = |tp: u8| {
        printed(
            tp![
                format!("generate --threads 1 --max-new-tokens 24 --tp {tp} --model"),
                saved.join("latest")
            ]
            .args(["--prompt", "The cat"]),
        )
    };
    let told = tell(1);
    assert!(told.starts_with("The cat") && told.len() > 20, "{told}");
    assert_eq!((tell(2), tell(4)), (told.clone(), told));
    let (first, _) = train(
        "--model",
        &saved.join("latest"),
        &dir.path().join("again"),
        1,
    );
    assert!(
        (first - last).abs() < 0.5,
        "ended at {last}, went on at {first}"
    );
}

#[test]
fn a_seed_starts_its_own_weights() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("text");
    write_text(&data);
    let train = |seed: u8| {
        printed(&mut tp![
            format!("train --threads 1 --steps 3 --batch 2 --sequence 16 --seed {seed}"),
            "--config",
            fixture("stories260k").join("config.json"),
            "--data",
            data,
        ])
    };
    assert_eq!(train(1), train(1));
    assert_ne!(train(1), train(2));
}
