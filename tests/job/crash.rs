//! Jobs that are killed while they save, and disks that are full: `latest` leads to a whole step.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tp_runtime::job::{JobFolder, SavedStep};

use crate::folder::entries;
use crate::grid::{FOUR, ONE, on_grid};

const MODEL: (&str, Option<&tp_runtime::plan::Plan>) = ("llama_tied", None);

/// Names the folder that a process of the test saves into.
const SAVE_INTO: &str = "TP_TESTS_SAVE_INTO";

/// Names the file for which there is no space.
const FULL_AT: &str = "TP_TESTS_FULL_AT";

/// This test binary again, to run one test that saves into a folder.
fn saver(test: &str, dir: &Path) -> Command {
    let mut saver = Command::new("sh");
    // A file that grows beyond the limit is an error then, as a full disk is, and no signal.
    saver.args([
        "-c",
        "trap '' XFSZ; ulimit -f ${BLOCKS:-unlimited}; exec \"$@\"",
        "sh",
    ]);
    saver.arg(std::env::current_exe().unwrap());
    saver
        .args(["--exact", test, "--nocapture"])
        .env(SAVE_INTO, dir);
    saver
}

/// A process that ends with the test, however that ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().expect("it is ours");
        self.0.wait().expect("it was killed");
    }
}

/// The step that `latest` leads to, read in full on one rank.
fn latest(dir: &Path) -> u64 {
    let saved = SavedStep::open(&dir.join("latest")).unwrap();
    on_grid(ONE, MODEL, |rank| {
        let saved = SavedStep::open(&dir.join("latest"))?;
        let (restored, expected) = (rank.state(None), rank.state(Some(saved.step())));
        saved.restore(&rank.model.parameters(), rank.model.group(), &restored)?;
        for (restored, expected) in restored.iter().zip(&expected) {
            assert_eq!(restored.tensors, expected.tensors, "step {}", saved.step());
        }
        let mesh = tp_runtime::mesh::DeviceMesh::new(rank.world.clone(), &[("tp", 1)])?;
        tp_runtime::parallel::ParallelModel::from_pretrained(saved.dir()).load(&mesh)?;
        Ok(())
    });
    saved.step()
}

#[test]
fn killed_at_any_moment() {
    if let Some(dir) = std::env::var_os(SAVE_INTO) {
        on_grid(FOUR, MODEL, |rank| {
            let folder = JobFolder::open(Path::new(&dir), &rank.world)?;
            let first = folder.latest()?.map_or(0, |saved| saved.step());
            for step in first + 1.. {
                rank.save_in(&folder, step)?;
                folder.prune(NonZeroUsize::new(2).unwrap())?;
            }
            Ok(())
        });
    }
    let dir = tempfile::tempdir().unwrap();
    on_grid(ONE, MODEL, |rank| rank.save(dir.path(), 1));
    let mut last = 1;
    for round in 0..20 {
        let mut saver = saver("crash::killed_at_any_moment", dir.path());
        let mut saver = Killed(saver.stdout(Stdio::null()).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        // From the first step it saves on, at another moment each time.
        while SavedStep::open(&dir.path().join("latest")).unwrap().step() == last {
            let ended = saver.0.try_wait().unwrap();
            assert!(ended.is_none(), "the saver ended by itself");
            assert!(Instant::now() < deadline, "the saver does not save");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(2300 * round));
        drop(saver);
        let now = latest(dir.path());
        assert!(now > last, "{now} after {last}");
        last = now;
    }
    on_grid(ONE, MODEL, |rank| {
        let folder = JobFolder::open(dir.path(), &rank.world)?;
        rank.save_in(&folder, last + 10)?;
        folder.prune(NonZeroUsize::MIN)
    });
    let kept = entries(dir.path());
    assert_eq!(kept, ["latest".to_owned(), format!("step-{}", last + 10)]);
}

#[test]
fn a_full_disk() {
    if let Some(dir) = std::env::var_os(SAVE_INTO) {
        let file = std::env::var(FULL_AT).unwrap();
        on_grid(FOUR, MODEL, |rank| {
            let folder = JobFolder::open(Path::new(&dir), &rank.world)?;
            let message = rank.save_in(&folder, 2).unwrap_err().to_string();
            let is_of_file = message.contains("cannot write `") && message.contains(&file);
            assert!(is_of_file, "{message}");
            // What was written so far is gone, where space is short, once the first rank has left.
            rank.world.barrier("after the failed save")?;
            assert_eq!(entries(Path::new(&dir)), ["latest", "step-1"]);
            Ok(())
        });
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    on_grid(ONE, MODEL, |rank| rank.save(dir.path(), 1));
    // Of 512 bytes: too few for the state of a rank, and enough for that but too few for the weights.
    for (blocks, file) in [("8", "optimizer-"), ("140", "model.safetensors")] {
        let mut saver = saver("crash::a_full_disk", dir.path());
        let saved = saver
            .env("BLOCKS", blocks)
            .env(FULL_AT, file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&saved.stderr);
        assert!(saved.status.success(), "{blocks}: {said}");
        assert_eq!(latest(dir.path()), 1);
    }
    // With space again, the job goes on.
    on_grid(FOUR, MODEL, |rank| rank.save(dir.path(), 2));
    assert_eq!(latest(dir.path()), 2);
    assert!(
        fs::read_link(dir.path().join("latest"))
            .unwrap()
            .ends_with("step-2")
    );
}
