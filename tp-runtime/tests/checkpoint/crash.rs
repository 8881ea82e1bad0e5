//! A save that is cut off anywhere leaves the old checkpoint or the new one, never neither.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use safetensors::Dtype;
use serde_json::json;
use tch::{Device, Kind};
use tp_runtime::checkpoint::{Checkpoint, initialize, save};
use tp_runtime::comm::ProcessGroup;
use tp_runtime::module::{Param, ShardedParam};

use crate::fixture::{counting, named, rank, values, write_indexed};

const NAMES: [&str; 3] = ["a.weight", "b.weight", "c.weight"];

/// Parameters that all hold `step`.
fn params(step: i64) -> [(&'static str, Param); 3] {
    let params = NAMES.map(|name| (name, Param::new(&[16, 16])));
    initialize(&named(&params), 0, 1.0, &rank(0, 1)).unwrap();
    for (_, param) in &params {
        let _ = param.local().fill_(step);
    }
    params
}

/// Saves parameters and config of `step`; `gathered` is told how many are on their way.
fn save_step(dir: &Path, step: i64, mut gathered: impl FnMut(usize)) {
    let mut count = 0;
    let params = params(step);
    save(
        dir,
        &named(&params),
        &ProcessGroup::single(),
        |named| {
            count += 1;
            gathered(count);
            Ok(named.param.local())
        },
        &json!({ "step": step }),
        &[],
    )
    .unwrap();
}

/// The step whose checkpoint the folder is: config and every weight agree on it.
fn step(dir: &Path) -> i64 {
    let checkpoint = Checkpoint::open(dir).unwrap();
    let step = checkpoint.config()["step"].as_i64().unwrap();
    for name in NAMES {
        let weight = checkpoint.read(name, Kind::Float, Device::Cpu).unwrap();
        assert!(
            values(&weight).iter().all(|value| *value == step as f32),
            "{name} is not of {step}"
        );
    }
    step
}

fn leftovers(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.starts_with('.'))
        .collect()
}

#[test]
fn failing_at_any_parameter_keeps_the_old() {
    let dir = tempfile::tempdir().unwrap();
    save_step(dir.path(), 1, |_| {});
    for fatal in 1..=NAMES.len() {
        let saving = || {
            save_step(dir.path(), 2, |count| {
                assert!(
                    count == 1 || step(dir.path()) == 1,
                    "the old is there while saving"
                );
                assert!(count != fatal, "fails at {count}");
            });
        };
        assert!(catch_unwind(AssertUnwindSafe(saving)).is_err());
        assert_eq!(step(dir.path()), 1);
        assert!(leftovers(dir.path()).is_empty());
    }
    save_step(dir.path(), 3, |_| {});
    assert_eq!(step(dir.path()), 3);
}

#[test]
fn an_incomplete_save_is_cleared() {
    let dir = tempfile::tempdir().unwrap();
    save_step(dir.path(), 1, |_| {});
    let saving = dir.path().join(".checkpoint-saving");
    fs::create_dir(&saving).unwrap();
    fs::write(saving.join("config.json"), "{").unwrap();
    fs::write(saving.join("model.safetensors"), "half a head").unwrap();
    assert_eq!(step(dir.path()), 1);
    save_step(dir.path(), 2, |_| {});
    assert_eq!(step(dir.path()), 2);
    assert!(leftovers(dir.path()).is_empty());
}

#[test]
fn a_complete_save_counts_however_many_files_have_moved() {
    let files = ["config.json", "model.safetensors"];
    for moved in [&[][..], &files[..1], &files[1..], &files[..]] {
        let dir = tempfile::tempdir().unwrap();
        write_indexed(
            dir.path(),
            &[("old.safetensors", vec![counting("x", Dtype::F32, &[2])])],
        );
        let saved = dir.path().join(".checkpoint-saved");
        save_step(&saved, 2, |_| {});
        for file in moved {
            fs::rename(saved.join(file), dir.path().join(file)).unwrap();
        }
        assert_eq!(step(dir.path()), 2, "{moved:?}");

        // A save that fails after it has cleared up leaves the same checkpoint, now in place.
        let failing = || save_step(dir.path(), 3, |_| panic!("fails"));
        assert!(catch_unwind(AssertUnwindSafe(failing)).is_err());
        assert_eq!(step(dir.path()), 2, "{moved:?}");
        assert!(leftovers(dir.path()).is_empty(), "{moved:?}");
        assert!(!dir.path().join("old.safetensors").exists());
        assert!(!dir.path().join("model.safetensors.index.json").exists());
    }
}

#[test]
fn companions_of_an_interrupted_save_are_found() {
    for over_itself in [true, false] {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let saved = dir.path().join(".checkpoint-saved");
        save_step(&saved, 1, |_| {});
        fs::write(saved.join("tokenizer.json"), "words").unwrap();
        let companions = Checkpoint::open(dir.path()).unwrap().companions().unwrap();
        assert_eq!(companions.len(), 1);
        assert_eq!(companions[0].name(), "tokenizer.json");
        let into = if over_itself {
            dir.path()
        } else {
            other.path()
        };
        let params = params(2);
        let gather = |named: &ShardedParam<'_>| Ok(named.param.local());
        let config = json!({ "step": 2 });
        let world = ProcessGroup::single();
        save(into, &named(&params), &world, gather, &config, &companions).unwrap();
        assert_eq!(step(into), 2);
        assert_eq!(
            fs::read_to_string(into.join("tokenizer.json")).unwrap(),
            "words"
        );
    }
}

/// Names the folder to save into until killed, for the process the test starts.
const SAVE_INTO: &str = "TP_RUNTIME_TEST_SAVE_INTO";

#[test]
fn killed_at_any_moment() {
    if let Some(dir) = std::env::var_os(SAVE_INTO) {
        for step in 1..=i64::MAX {
            save_step(Path::new(&dir), step, |_| {});
        }
    }
    let dir = tempfile::tempdir().unwrap();
    save_step(dir.path(), 0, |_| {});
    for round in 0..20 {
        let mut saver = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::killed_at_any_moment"])
            .env(SAVE_INTO, dir.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let before = fs::metadata(dir.path()).unwrap().modified().unwrap();
        while fs::metadata(dir.path()).unwrap().modified().unwrap() == before {
            assert!(
                saver.try_wait().unwrap().is_none(),
                "the saver ended by itself"
            );
            assert!(Instant::now() < deadline, "the saver does not save");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(1700 * round));
        saver.kill().unwrap();
        saver.wait().unwrap();
        step(dir.path());
    }
    save_step(dir.path(), 7, |_| {});
    assert_eq!(step(dir.path()), 7);
    assert!(leftovers(dir.path()).is_empty());
}
