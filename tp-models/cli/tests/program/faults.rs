//! What else than a kill befalls a job that saves: it says what is wrong, and what it has saved stays good.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::jobs::{bytes, lines, saved, train_for};
use crate::support::{errors, finish, fixture, printed, refused, start, tp};
use crate::train::write_text;

/// A job of 12 steps that has saved the sixth and the twelfth.
struct Done {
    dir: TempDir,
    data: PathBuf,
    folder: PathBuf,
}

impl Done {
    fn new(flags: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let [data, folder] = ["text", "job"].map(|name| dir.path().join(name));
        write_text(&data);
        printed(&mut saved(
            &data,
            &format!("{flags} --save-every 6"),
            &folder,
        ));
        Self { dir, data, folder }
    }

    /// Points `latest` at another step.
    fn point(&self, step: &str) {
        let link = self.folder.join("latest");
        fs::remove_file(&link).expect("a link");
        symlink(step, link).expect("a link");
    }

    /// The job again, from `latest` to its 18th step.
    fn resumed(&self, flags: &str) -> Command {
        self.resumed_with(&fixture("stories260k").join("config.json"), flags)
    }

    /// The same with another model.
    fn resumed_with(&self, config: &Path, flags: &str) -> Command {
        tp![
            "train --threads 1 --steps 18 --global-batch 12 --sequence 31 --resume",
            flags,
            "--config",
            config,
            "--data",
            self.data,
            "--save",
            self.folder
        ]
    }
}

fn assert_names(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

#[test]
fn a_rank_that_stands_still_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("text");
    write_text(&data);
    for stopped in [0, 1] {
        let log = dir.path().join(format!("log{stopped}"));
        let mut ranks = start(2, || {
            let mut command = train_for(1_000_000, &data, "--dp 2 --timeout 2");
            command.arg("--log").arg(&log);
            command
        });
        while !log.exists() || lines(&log).is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let rank = ranks[stopped].id().to_string();
        let sent = Command::new("kill").args(["-STOP", &rank]).status();
        assert!(sent.expect("kill runs").success());
        let since = Instant::now();
        let waiting = finish(ranks.swap_remove(1 - stopped));
        assert!(since.elapsed() < Duration::from_secs(8), "it hung");
        let message = errors(&waiting);
        assert_eq!(waiting.status.code(), Some(1), "{message}");
        assert_names(
            &message,
            &[&format!("with rank {stopped}"), "Timed out waiting 2000ms"],
        );
        ranks[0].kill().expect("a process of ours");
        finish(ranks.remove(0));
    }
}

/// The same command where no file may be larger than so many blocks of 512 bytes.
fn in_little_room(command: &Command, blocks: &str) -> Command {
    let mut shell = Command::new("sh");
    // A file that grows beyond the limit is an error then, as a full disk is, and no signal.
    shell.args(["-c", "trap '' XFSZ; ulimit -f $0; exec \"$@\"", blocks]);
    shell.arg(command.get_program()).args(command.get_args());
    for (variable, _) in command.get_envs() {
        shell.env_remove(variable);
    }
    shell
}

#[test]
fn a_full_disk() {
    let job = Done::new("--dp 4");
    let [whole, steps] = [6, 12].map(|step| job.folder.join(format!("step-{step}")));
    let wanted = bytes(&job.folder);
    fs::remove_dir_all(steps).expect("a step");
    job.point("step-6");
    // Too little for the state of a rank, and enough for that but too little for the weights.
    for (blocks, file) in [("100", "optimizer-0000"), ("1400", "model.safetensors")] {
        let again = saved(&job.data, "--dp 4 --resume", &job.folder);
        let message = refused(&mut in_little_room(&again, blocks), 1);
        assert_names(
            &message,
            &[
                "step 12 is not saved, and `latest` is as it was",
                "cannot write",
                file,
            ],
        );
        assert_eq!(message.matches("os error").count(), 1, "{message}");
        let latest = fs::canonicalize(job.folder.join("latest")).expect("a step");
        assert_eq!(latest, fs::canonicalize(&whole).expect("a step"));
    }
    printed(&mut saved(&job.data, "--dp 4 --resume", &job.folder));
    assert!(bytes(&job.folder) == wanted, "other weights");
}

#[test]
fn a_step_with_a_file_that_was_cut_off() {
    let job = Done::new("--dp 2");
    for name in ["optimizer-00001-of-00002.safetensors", "model.safetensors"] {
        let path = job.folder.join("step-12").join(name);
        let file = File::options().write(true).open(&path).expect("a file");
        file.set_len(1000).expect("a test can write");
        let message = refused(&mut job.resumed("--dp 2"), 1);
        assert_names(
            &message,
            &[
                "cannot go on from step 12",
                name,
                "is not a whole safetensors file",
            ],
        );
    }
    job.point("step-6");
    let told = printed(&mut job.resumed("--dp 2"));
    assert!(told.starts_with("goes on after step 6\n"), "{told}");
}

#[test]
fn a_step_of_another_model() {
    let job = Done::new("");
    let config = fixture("stories260k").join("config.json");
    let text = fs::read_to_string(&config).expect("a config");
    let (other, layers) = (job.dir.path().join("config.json"), "\"num_hidden_layers\":");
    fs::write(&other, text.replace(layers, &format!("{layers} 1, \"_\":"))).expect("a file");
    let tokenizer = config.with_file_name("tokenizer.json");
    fs::copy(tokenizer, other.with_file_name("tokenizer.json")).expect("a copy");
    let message = refused(&mut job.resumed_with(&other, ""), 1);
    assert_names(
        &message,
        &[
            "step-12` holds another model than",
            "`num_hidden_layers` is 5 there, and 1 here",
        ],
    );
}

#[test]
fn a_folder_that_cannot_be_written() {
    let job = Done::new("");
    let log = job.dir.path().join("log");
    for folder in [Path::new("/proc/self/job"), &job.data] {
        let mut command = saved(&job.data, "--dp 2", folder);
        let message = refused(command.arg("--log").arg(&log), 1);
        assert_names(&message, &["a job cannot be saved in"]);
        assert!(!log.exists(), "steps were made");
    }
}

#[test]
fn a_loss_that_is_not_finite() {
    let job = Done::new("--dp 2");
    let before = bytes(&job.folder);
    let flags = "--dp 2 --schedule constant --warmup-steps 0 --learning-rate 1e30";
    let message = refused(&mut job.resumed(flags), 1);
    assert_names(
        &message,
        &["step 14", "NaN", "with a smaller learning rate"],
    );
    assert!(bytes(&job.folder) == before, "the step was replaced");
    let told = printed(&mut job.resumed("--dp 2"));
    assert!(told.starts_with("goes on after step 12\n"), "{told}");
}
