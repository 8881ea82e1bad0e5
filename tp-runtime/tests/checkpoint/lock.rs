//! One job at a time saves into a folder; a job that is gone locks nothing.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tch::Kind;
use tp_runtime::checkpoint::{CheckpointError, save};
use tp_runtime::comm::ProcessGroup;
use tp_runtime::module::ShardedParam;

use crate::fixture::named;
use crate::save::{files, random, save_whole};

/// Panics unless saving into the folder is refused because somebody else does.
fn assert_refused(dir: &Path) {
    let error = save_whole(dir, &random(Kind::Float)).unwrap_err();
    let locked = tp_runtime::Error::Checkpoint(CheckpointError::Locked {
        dir: dir.to_owned(),
    });
    assert_eq!(error.to_string(), locked.to_string());
}

#[test]
fn a_second_save_is_refused_and_the_first_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let params = random(Kind::Float);
    for _ in 0..2 {
        save(
            dir.path(),
            &named(&params),
            &ProcessGroup::single(),
            |named| {
                assert_refused(dir.path());
                Ok(named.param.local())
            },
            &json!({}),
            &[],
        )
        .unwrap();
        assert_eq!(files(dir.path()), ["config.json", "model.safetensors"]);
    }
    save_whole(dir.path(), &params).unwrap();
}

#[test]
fn the_message_says_what_to_do() {
    let dir = Path::new("runs/a").to_owned();
    assert_eq!(
        CheckpointError::Locked { dir }.to_string(),
        "cannot save into `runs/a`: another job is saving there; \
         wait until it has ended, or give this one a folder of its own"
    );
}

/// Names the folder to save into for ever, for the process the test starts.
const SAVE_INTO: &str = "TP_RUNTIME_TEST_LOCK";

#[test]
fn a_killed_job_locks_nothing() {
    if let Some(dir) = std::env::var_os(SAVE_INTO) {
        let params = random(Kind::Float);
        let wait = |_: &ShardedParam<'_>| loop {
            std::thread::park();
        };
        let world = ProcessGroup::single();
        save(
            Path::new(&dir),
            &named(&params),
            &world,
            wait,
            &json!({}),
            &[],
        )
        .unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::a_killed_job_locks_nothing"])
        .env(SAVE_INTO, dir.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let weights = dir.path().join(".checkpoint-saving/model.safetensors");
    while !weights.exists() {
        assert!(other.try_wait().unwrap().is_none(), "the other job ended");
        assert!(Instant::now() < deadline, "the other job does not save");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_refused(dir.path());
    assert!(weights.exists(), "a refused job leaves the other's files");
    other.kill().unwrap();
    other.wait().unwrap();
    save_whole(dir.path(), &random(Kind::Float)).unwrap();
    assert_eq!(files(dir.path()), ["config.json", "model.safetensors"]);
}
