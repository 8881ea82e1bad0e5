//! Dropout in a job: whatever interrupts it, the masks are those of the job that nothing befell.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::jobs::{assert_same_weights, bytes, copy};
use crate::support::{fixture, printed, tp};
use crate::train::write_text;

/// A job of 6 steps with dropout, saved in `dir`.
fn train(data: &Path, config: &Path, flags: &str, dir: &Path) -> Command {
    tp![
        "train --threads 1 --steps 6 --global-batch 4 --sequence 31 --learning-rate 0.005",
        flags,
        "--config",
        config,
        "--data",
        data,
        "--save",
        dir
    ]
}

#[test]
fn a_job_with_dropout_goes_on_on_any_mesh() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let [data, config, whole] = ["text", "config.json", "whole"].map(|name| dir.path().join(name));
    write_text(&data);
    let stories = fixture("stories260k");
    let text = std::fs::read(stories.join("config.json")).expect("a config");
    let mut fields: Value = serde_json::from_slice(&text).expect("JSON");
    fields["attention_dropout"] = json!(0.2);
    std::fs::write(&config, fields.to_string()).expect("a copy");
    let tokenizer = stories.join("tokenizer.json");
    std::fs::copy(tokenizer, dir.path().join("tokenizer.json")).expect("a copy");

    let same = "--dp 2 --tp 2 --zero 3";
    printed(&mut train(
        &data,
        &config,
        &format!("{same} --save-every 3"),
        &whole,
    ));
    for (index, flags) in [
        same,
        "--tp 4 --sequence-parallel",
        "--dp 4 --recompute full",
    ]
    .into_iter()
    .enumerate()
    {
        let parts = dir.path().join(format!("parts{index}"));
        std::fs::create_dir(&parts).expect("a new folder");
        copy(&whole.join("step-3"), &parts.join("step-3"));
        std::os::unix::fs::symlink("step-3", parts.join("latest")).expect("a link");
        printed(&mut train(
            &data,
            &config,
            &format!("{flags} --resume"),
            &parts,
        ));
        match index {
            0 => assert!(bytes(&whole) == bytes(&parts), "other weights"),
            _ => assert_same_weights(flags, &whole, &parts),
        }
    }
}
