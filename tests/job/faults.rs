//! Folders and files that are not as they should be, each with what it says.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tp_runtime::comm::ProcessGroup;
use tp_runtime::job::{JobFolder, SavedStep};

use crate::folder::entries;
use crate::grid::{FOUR, ONE, on_grid};

const MODEL: (&str, Option<&tp_runtime::plan::Plan>) = ("llama_tied", None);
const FILE: &str = "optimizer-00002-of-00004.safetensors";

/// Opening the folder on one rank, as it fails.
fn refused(dir: &Path) -> String {
    match JobFolder::open(dir, &ProcessGroup::single()) {
        Ok(_) => panic!("`{}` was opened", dir.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_second_job_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let job = dir.path().join("job");
    on_grid(FOUR, MODEL, |rank| {
        let folder = JobFolder::open(&job, &rank.world)?;
        if rank.world.rank() == 3 {
            let message = refused(&job);
            assert!(
                message.contains("job` is the folder of a job that is running"),
                "{message}"
            );
        }
        rank.save_in(&folder, 1)
    });
    // It is free once the job has ended.
    JobFolder::open(&job, &ProcessGroup::single()).unwrap();
}

#[test]
fn an_unwritable_folder_is_refused_on_every_rank() {
    // Nobody can create anything here, root included.
    let dir = Path::new("/proc/self/job");
    on_grid(FOUR, MODEL, |rank| {
        let Err(error) = JobFolder::open(dir, &rank.world) else {
            panic!("it was opened");
        };
        let message = error.to_string();
        assert!(
            message.contains("a job cannot be saved in `/proc/self/job`"),
            "{message}"
        );
        assert!(
            message.contains("give it a folder that every rank sees"),
            "{message}"
        );
        Ok(())
    });
}

#[test]
fn a_latest_that_leads_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    for target in ["step-5", "../elsewhere", "checkpoint"] {
        symlink(target, dir.path().join("latest")).unwrap();
        let folder = JobFolder::open(dir.path(), &ProcessGroup::single()).unwrap();
        let message = folder.latest().unwrap_err().to_string();
        let expected = format!("latest` names `{target}`, which is no step of that folder");
        assert!(message.contains(&expected), "{message}");
        fs::remove_file(dir.path().join("latest")).unwrap();
    }
}

/// What a rank of four says to a step that was spoiled, and that its folder opens again once it is whole.
fn spoiled(model: &str, spoil: impl Fn(&Path), expected: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    on_grid(FOUR, MODEL, |rank| rank.save(dir.path(), 5));
    spoil(&dir.path().join("step-5"));
    on_grid(ONE, (model, None), |rank| {
        let restore = || {
            let saved = SavedStep::open(&dir.path().join("latest"))?;
            let state = rank.state(None);
            saved.restore(&rank.model.parameters(), rank.model.group(), &state)
        };
        let message = restore().unwrap_err().to_string();
        for part in expected {
            assert!(message.contains(part), "no `{part}` in: {message}");
        }
        Ok(())
    });
}

#[test]
fn a_missing_file() {
    let spoil = |step: &Path| fs::remove_file(step.join(FILE)).unwrap();
    spoiled(
        "llama_tied",
        spoil,
        &[FILE, "is missing: 4 ranks saved that step"],
    );
}

#[test]
fn a_truncated_file() {
    let path = |step: &Path| step.join(FILE);
    let cut = |length: fn(u64) -> u64| {
        move |step: &Path| {
            let file = fs::File::options().write(true).open(path(step)).unwrap();
            let whole = file.metadata().unwrap().len();
            file.set_len(length(whole)).unwrap();
        }
    };
    let expected = [FILE, "` is not a whole safetensors file: "];
    spoiled("llama_tied", cut(|whole| whole - 1), &expected);
    spoiled("llama_tied", cut(|whole| whole / 2), &expected);
    spoiled("llama_tied", cut(|_| 100), &expected);
    spoiled("llama_tied", cut(|_| 0), &expected);
}

#[test]
fn weights_in_place_of_state() {
    let spoil = |step: &Path| {
        fs::copy(step.join("model.safetensors"), step.join(FILE)).unwrap();
    };
    let expected = [
        FILE,
        "is no file of optimizer state: its header has no `pieces`",
    ];
    spoiled("llama_tied", spoil, &expected);
}

#[test]
fn a_rank_s_share_that_another_wrote() {
    let spoil = |step: &Path| {
        let other = step.join("optimizer-00000-of-00004.safetensors");
        fs::copy(other, step.join(FILE)).unwrap();
    };
    spoiled(
        "llama_tied",
        spoil,
        &["no file of `", "`exp_avg` of `", "` from element "],
    );
}

#[test]
fn another_models_state() {
    let nothing = |_: &Path| {};
    let expected = ["it is another model's checkpoint"];
    for model in ["llama_gqa", "qwen3", "gemma3_text"] {
        spoiled(model, nothing, &expected);
    }
}

#[test]
fn state_that_was_never_saved() {
    let dir = tempfile::tempdir().unwrap();
    on_grid(ONE, MODEL, |rank| {
        rank.save(dir.path(), 5)?;
        let mut state = rank.state(None);
        state[0].tensors[0].0 = "momentum_buffer".to_owned();
        let saved = SavedStep::open(&dir.path().join("latest"))?;
        let error = saved.restore(&rank.model.parameters(), rank.model.group(), &state);
        let message = error.unwrap_err().to_string();
        assert!(
            message.contains("holds no `momentum_buffer` of `model.embed_tokens.weight`"),
            "{message}"
        );
        Ok(())
    });
}

#[test]
fn a_description_that_cannot_be_read() {
    let edit = |from: &'static str, to: &'static str| {
        move |step: &Path| {
            let path = step.join("job.json");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            fs::write(path, text.replace(from, to)).unwrap();
        }
    };
    let version = edit("\"version\": 1", "\"version\": 2");
    spoiled(
        "llama_tied",
        version,
        &["job.json` has format 2, and this program reads 1"],
    );
    let cut = edit("\"step\": 5", "\"step\": ");
    spoiled(
        "llama_tied",
        cut,
        &["job.json` does not describe a step of this job"],
    );
    let gone = |step: &Path| fs::remove_file(step.join("job.json")).unwrap();
    spoiled("llama_tied", gone, &["holds no `job.json`"]);
}

#[test]
fn a_piece_that_the_rank_does_not_hold() {
    let dir = tempfile::tempdir().unwrap();
    on_grid(FOUR, MODEL, |rank| {
        let folder = JobFolder::open(dir.path(), &rank.world)?;
        let mut state = rank.saved_state(5);
        if rank.world.rank() == 2 {
            state[0].piece.elements.end += 1 << 30;
        }
        let job = serde_json::json!({});
        let message = folder
            .save(&rank.model, 5, &job, &state)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("and every tensor of a piece has one"),
            "{message}"
        );
        assert!(folder.latest()?.is_none());
        Ok(())
    });
    assert!(entries(dir.path()).is_empty(), "{:?}", entries(dir.path()));
}
