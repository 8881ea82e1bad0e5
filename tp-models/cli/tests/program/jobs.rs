//! Jobs of `tp train`: on every mesh the same numbers, and whatever interrupts them, they go on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tch::Tensor;

use crate::support::{assert_close, errors, fixture, printed, refused, tensors, tp};
use crate::train::write_text;

/// A job of 12 steps on a text with something to learn in it.
fn train(data: &Path, flags: &str) -> Command {
    train_for(12, data, flags)
}

/// The same job, of so many steps.
pub(crate) fn train_for(steps: u64, data: &Path, flags: &str) -> Command {
    tp![
        "train --threads 1 --global-batch 12 --sequence 31 --learning-rate 0.005",
        format!("--steps {steps}"),
        flags,
        "--config",
        fixture("stories260k").join("config.json"),
        "--data",
        data
    ]
}

/// The same, saved in `dir`.
pub(crate) fn saved(data: &Path, flags: &str, dir: &Path) -> Command {
    let mut command = train(data, flags);
    command.arg("--save").arg(dir);
    command
}

/// The weights that were saved last.
pub(crate) fn bytes(dir: &Path) -> Vec<u8> {
    std::fs::read(dir.join("latest/model.safetensors")).expect("the model was saved")
}

/// Trained weights are close, if not bit-equal.
pub(crate) fn assert_same_weights(name: &str, one: &Path, other: &Path) {
    let read = |dir: &Path| tensors(&dir.join("latest/model.safetensors"));
    let (one, other) = (read(one), read(other));
    for (parameter, tensor) in &one {
        let difference = (tensor - &other[parameter]).abs().max().double_value(&[]);
        assert!(
            difference < 2e-4,
            "{name}: {parameter} is off by {difference}"
        );
    }
}

/// The lines of a log.
pub(crate) fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).expect("the log was written");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

#[test]
fn every_mesh_sees_the_same_batches_and_losses() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("text");
    write_text(&data);
    let losses = |index: usize, flags: &str| -> Vec<f64> {
        let log = dir.path().join(format!("log{index}"));
        printed(train(&data, flags).arg("--log").arg(&log));
        let lines = lines(&log);
        assert_eq!(lines.len(), 12);
        let first = &lines[0];
        assert_eq!(
            (&first["step"], &first["labels"]),
            (&1.into(), &360.0.into())
        );
        let (job, rank) = (
            &first["tokens_per_second"],
            &first["tokens_per_second_per_rank"],
        );
        let ranks = job.as_f64().unwrap() / rank.as_f64().unwrap();
        assert!(
            (ranks - if index == 0 { 1.0 } else { 4.0 }).abs() < 1e-6,
            "{ranks}"
        );
        lines
            .iter()
            .map(|line| line["loss"].as_f64().unwrap())
            .collect()
    };
    let wanted = losses(0, "");
    assert!(wanted[11] < wanted[0] - 1.0, "{wanted:?}");
    for (index, flags) in [
        "--dp 4 --micro-batch 1 --zero 0",
        "--dp 2 --tp 2 --zero 3 --recompute full --micro-batch 2",
        "--dp 2 --tp 2 --sequence-parallel --check-replicas",
    ]
    .into_iter()
    .enumerate()
    {
        let found = losses(index + 1, flags);
        let near = |(found, wanted): (&f64, &f64)| (found - wanted).abs() < 1e-4 * wanted;
        assert!(
            found.iter().zip(&wanted).all(near),
            "{flags}: {found:?}, not {wanted:?}"
        );
    }
}

#[test]
fn a_job_goes_on_bit_for_bit_on_the_same_mesh() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("text");
    write_text(&data);
    for (index, flags) in [
        "--dp 2 --zero 1",
        "--dp 2 --tp 2 --zero 3 --recompute full",
        "--dp 2 --zero 1 --dtype bf16",
        "--dp 2 --tp 2 --zero 0 --sequence-parallel",
    ]
    .into_iter()
    .enumerate()
    {
        let [whole, parts] =
            ["whole", "parts"].map(|name| dir.path().join(format!("{name}{index}")));
        printed(&mut saved(
            &data,
            &format!("{flags} --save-every 5"),
            &whole,
        ));
        // What a job that was killed after its fifth step leaves.
        std::fs::create_dir(&parts).expect("a new folder");
        copy(&whole.join("step-5"), &parts.join("step-5"));
        std::os::unix::fs::symlink("step-5", parts.join("latest")).expect("a link");
        let told = printed(&mut saved(&data, &format!("{flags} --resume"), &parts));
        assert!(told.starts_with("goes on after step 5\n7 steps:"), "{told}");
        assert!(bytes(&whole) == bytes(&parts), "{flags}: other weights");
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a new folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
    }
}

#[test]
fn a_job_removes_the_step_that_it_went_on_from() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (data, folder) = (dir.path().join("text"), dir.path().join("job"));
    write_text(&data);
    printed(&mut saved(&data, "", &folder));
    let mut longer = train_for(16, &data, "--save-every 2 --keep 1 --resume");
    printed(longer.arg("--save").arg(&folder));
    // The tokenizer goes from step to step, too.
    assert!(!folder.join("step-12").exists() && folder.join("step-16/tokenizer.json").exists());
}

#[test]
fn a_job_goes_on_on_any_other_mesh() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("text");
    write_text(&data);
    let whole = dir.path().join("whole");
    printed(&mut saved(&data, "--dp 2 --tp 2 --save-every 4", &whole));
    for (index, flags) in [
        "--tp 1",
        "--dp 3 --zero 3",
        "--tp 4 --sequence-parallel",
        "--dp 4 --zero 0 --recompute full --backend gloo",
    ]
    .into_iter()
    .enumerate()
    {
        let parts = dir.path().join(format!("parts{index}"));
        std::fs::create_dir(&parts).expect("a new folder");
        copy(&whole.join("step-4"), &parts.join("step-4"));
        std::os::unix::fs::symlink("step-4", parts.join("latest")).expect("a link");
        printed(&mut saved(&data, &format!("{flags} --resume"), &parts));
        assert_same_weights(flags, &whole, &parts);
    }
}

#[test]
fn a_signal_saves_the_step_and_the_job_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("text");
    write_text(&data);
    let [whole, parts, log] = ["whole", "parts", "log"].map(|name| dir.path().join(name));
    let long = |dir: &Path, flags: &str| {
        let mut command = train_for(60, &data, flags);
        command.arg("--save").arg(dir);
        command
    };
    printed(&mut long(&whole, "--dp 2"));
    let mut first = long(&parts, "--dp 2");
    let job = first
        .arg("--log")
        .arg(&log)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the job starts");
    while !log.exists() || lines(&log).len() < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = Command::new("kill")
        .arg("-TERM")
        .arg(job.id().to_string())
        .status();
    assert!(kill.expect("kill runs").success());
    let ended = job.wait_with_output().expect("the job ends");
    assert_eq!(ended.status.code(), Some(143), "{}", errors(&ended));
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(told.contains("stopped by signal 15 after step"), "{told}");
    printed(&mut long(&parts, "--dp 2 --resume"));
    assert!(bytes(&whole) == bytes(&parts));
}

#[test]
fn a_job_is_not_mixed_up_with_another() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (data, folder) = (dir.path().join("text"), dir.path().join("job"));
    write_text(&data);
    printed(&mut saved(&data, "--save-every 6 --keep 1", &folder));
    assert!(!folder.join("step-6").exists() && folder.join("step-12").exists());
    let told = printed(&mut saved(&data, "--resume", &folder));
    assert!(told.contains("has made all of its 12 steps"), "{told}");
    let said = refused(&mut saved(&data, "", &folder), 1);
    assert!(
        said.contains("has made 12 steps: go on with --resume"),
        "{said}"
    );
    let said = refused(&mut saved(&data, "--resume --seed 7", &folder), 1);
    assert!(
        said.contains("--seed 0") && said.contains("--seed 7"),
        "{said}"
    );
    let said = refused(&mut train(&data, "--dp 5"), 1);
    assert!(said.contains("the nearest that do are 10 and 15"), "{said}");
}

#[test]
fn the_loss_on_another_text_is_the_same_on_every_mesh() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let [data, other, log] = ["text", "other", "log"].map(|name| dir.path().join(name));
    write_text(&data);
    std::fs::write(&other, "The dog sat on the mat. ".repeat(17)).expect("the folder is there");
    let validation = |flags: &str| -> Vec<f64> {
        printed(
            train(&data, flags)
                .arg("--validate")
                .arg(&other)
                .args(["--validate-every", "6", "--log"])
                .arg(&log),
        );
        let losses = lines(&log);
        std::fs::remove_file(&log).expect("the log");
        losses
            .iter()
            .filter_map(|line| line["validation_loss"].as_f64())
            .collect()
    };
    let wanted = validation("");
    assert_eq!(wanted.len(), 2);
    // Windows that do not divide by ranks and micro-batches.
    for flags in ["--dp 2 --tp 2", "--dp 4 --zero 3 --micro-batch 3"] {
        let found = validation(flags);
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_close(flags, &Tensor::from(*found), &Tensor::from(*wanted));
        }
    }
}
