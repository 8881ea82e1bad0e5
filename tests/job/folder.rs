//! What a job's folder holds, step after step.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use tp_runtime::comm::ProcessGroup;
use tp_runtime::job::{JobFolder, SavedStep};
use tp_runtime::parallel::ParallelModel;

use crate::grid::{FOUR, ONE, on_grid};

const MODEL: (&str, Option<&tp_runtime::plan::Plan>) = ("llama_tied", None);

/// Everything in a folder, sorted.
pub(crate) fn entries(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn link(dir: &Path) -> String {
    let target = fs::read_link(dir.join("latest")).unwrap();
    target.into_os_string().into_string().unwrap()
}

fn open(dir: &Path) -> tp_runtime::Result<JobFolder> {
    JobFolder::open(dir, &ProcessGroup::single())
}

#[test]
fn a_step_has_the_model_and_a_file_by_each_rank() {
    let dir = tempfile::tempdir().unwrap();
    let job = dir.path().join("new/job");
    on_grid(FOUR, MODEL, |rank| {
        let folder = JobFolder::open(&job, &rank.world)?;
        assert!(folder.latest()?.is_none());
        rank.save_in(&folder, 3)?;
        let saved = folder.latest()?.expect("a step");
        assert_eq!(
            (saved.step(), saved.job::<Value>()?["seed"].as_u64()),
            (3, Some(7))
        );
        Ok(())
    });
    assert_eq!(entries(&job), ["latest", "step-3"]);
    let files = entries(&job.join("latest"));
    assert_eq!(
        files,
        [
            "config.json",
            "job.json",
            "model.safetensors",
            "optimizer-00000-of-00004.safetensors",
            "optimizer-00001-of-00004.safetensors",
            "optimizer-00002-of-00004.safetensors",
            "optimizer-00003-of-00004.safetensors",
            "reference.json",
        ]
    );
    on_grid(ONE, MODEL, |rank| {
        let mesh = tp_runtime::mesh::DeviceMesh::new(rank.world.clone(), &[("tp", 1)])?;
        let again = ParallelModel::from_pretrained(job.join("latest")).load(&mesh)?;
        for (ours, saved) in rank.model.parameters().iter().zip(again.parameters()) {
            assert_eq!(ours.param.local(), saved.param.local(), "{}", ours.name);
        }
        Ok(())
    });
}

#[test]
fn pruning_keeps_the_newest_and_what_is_not_ours() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("step-0")).unwrap();
    fs::write(dir.path().join("step-0/notes.txt"), "mine").unwrap();
    on_grid(FOUR, MODEL, |rank| {
        let folder = JobFolder::open(dir.path(), &rank.world)?;
        for step in [5, 10, 15, 20] {
            rank.save_in(&folder, step)?;
            folder.prune(NonZeroUsize::new(2).unwrap())?;
        }
        Ok(())
    });
    assert_eq!(
        entries(dir.path()),
        ["latest", "step-0", "step-15", "step-20"]
    );

    // Somebody takes the job back to step 15, and it goes on to 18.
    fs::remove_file(dir.path().join("latest")).unwrap();
    symlink("step-15", dir.path().join("latest")).unwrap();
    on_grid(ONE, MODEL, |rank| {
        let folder = JobFolder::open(dir.path(), &rank.world)?;
        rank.save_in(&folder, 18)?;
        folder.prune(NonZeroUsize::MIN)
    });
    assert_eq!(
        entries(dir.path()),
        ["latest", "step-0", "step-18", "step-20"]
    );
    assert_eq!(link(dir.path()), "step-18");

    // What was step 20 is replaced.
    on_grid(ONE, MODEL, |rank| rank.save(dir.path(), 20));
    assert_eq!(link(dir.path()), "step-20");
    assert_eq!(
        entries(&dir.path().join("latest")).len(),
        5,
        "one rank's files"
    );
}

#[test]
fn a_step_that_must_stay_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("step-6")).unwrap();
    on_grid(FOUR, MODEL, |rank| {
        let folder = JobFolder::open(dir.path(), &rank.world)?;
        rank.save_in(&folder, 5)?;
        for (step, why) in [(5, "`latest` names it"), (6, "no job has saved it")] {
            let error = rank.save_in(&folder, step).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        // The ranks are still in step.
        rank.save_in(&folder, 7)
    });
    assert_eq!(
        entries(dir.path()),
        ["latest", "step-5", "step-6", "step-7"]
    );
}

#[test]
fn a_killed_job_s_leftovers_are_cleared() {
    let dir = tempfile::tempdir().unwrap();
    on_grid(ONE, MODEL, |rank| rank.save(dir.path(), 5));
    for folder in [".saving-step-6", ".removing-step-4", ".probe"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
        fs::write(dir.path().join(folder).join("model.safetensors"), "half").unwrap();
    }
    symlink("step-6", dir.path().join(".latest")).unwrap();
    fs::create_dir(dir.path().join(".git")).unwrap();
    let folder = open(dir.path()).unwrap();
    assert_eq!(entries(dir.path()), [".git", "latest", "step-5"]);
    assert_eq!(folder.latest().unwrap().unwrap().step(), 5);
}

#[test]
fn a_kill_before_latest_moved_costs_that_step_alone() {
    let dir = tempfile::tempdir().unwrap();
    on_grid(ONE, MODEL, |rank| {
        rank.save(dir.path(), 5)?;
        rank.save(dir.path(), 10)
    });
    fs::remove_file(dir.path().join("latest")).unwrap();
    symlink("step-5", dir.path().join("latest")).unwrap();
    on_grid(ONE, MODEL, |rank| {
        let folder = JobFolder::open(dir.path(), &rank.world)?;
        assert_eq!(folder.latest()?.unwrap().step(), 5);
        rank.save_in(&folder, 10)
    });
    assert_eq!(link(dir.path()), "step-10");
    assert_eq!(entries(dir.path()), ["latest", "step-10", "step-5"]);
}

#[test]
fn what_a_job_wrote_down_is_typed() {
    let dir = tempfile::tempdir().unwrap();
    on_grid(ONE, MODEL, |rank| {
        let folder = JobFolder::open(dir.path(), &rank.world)?;
        folder.save(&rank.model, 1, &json!({ "seed": "seven" }), &[])
    });
    let saved = SavedStep::open(&dir.path().join("latest")).unwrap();
    let error = saved.job::<BTreeMap<String, u64>>();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("job.json` does not describe a step of this job: seed: invalid type"),
        "{error}"
    );
}
