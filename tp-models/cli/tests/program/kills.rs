//! Jobs whose ranks are killed, whenever, under a supervisor that starts them again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::jobs::{bytes, saved};
use crate::support::{errors, finish, start};
use crate::train::write_text;

/// How often a rank is killed, on each mesh.
const KILLS: usize = 4;

/// How long ranks may take to end by themselves once one has failed.
const GRACE: Duration = Duration::from_millis(300);

#[test]
fn a_job_whose_ranks_are_killed_ends_with_the_same_bits() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("text");
    write_text(&data);
    for (world_size, flags) in [(2, "--dp 2 --zero 1"), (4, "--dp 2 --tp 2 --zero 3")] {
        let job = |folder: &Path| Supervisor {
            world_size,
            flags,
            data: data.clone(),
            folder: folder.to_owned(),
        };
        let whole = dir.path().join(format!("whole{world_size}"));
        let started = Instant::now();
        job(&whole).run(&mut std::iter::empty());
        let length = started.elapsed();
        let mut kills = (0..).map(|index| Kill::new(index, length));
        let mut killed = 0;
        for round in 0.. {
            let parts = dir.path().join(format!("parts{world_size}-{round}"));
            killed += job(&parts).run(&mut kills.by_ref().take(KILLS - killed));
            let is_same = bytes(&whole) == bytes(&parts);
            assert!(is_same, "{flags}: other weights after {killed} kills");
            if killed == KILLS {
                break;
            }
        }
    }
}

/// Which rank is killed, and when after its start.
struct Kill {
    rank: usize,
    moment: Moment,
}

enum Moment {
    After(Duration),
    /// As soon as a step is being written.
    InSave,
}

impl Kill {
    /// Kills that spread over ranks and over the length of a job: it has its start, steps and saves in it.
    fn new(index: usize, length: Duration) -> Self {
        // The fractions of the golden ratio's multiples leave no part of the length out.
        let part = (index as f64 * 0.618_034).fract();
        let moment = match index % 3 {
            2 => Moment::InSave,
            _ => Moment::After(length.mul_f64(part)),
        };
        Self {
            rank: index,
            moment,
        }
    }
}

/// Starts the ranks of a job, and all of them again when one ends badly, as `torchrun --max-restarts` does.
struct Supervisor {
    world_size: usize,
    flags: &'static str,
    data: PathBuf,
    folder: PathBuf,
}

impl Supervisor {
    /// Runs the job to its end, and gives how many of the `kills` met a rank that was running.
    fn run(&self, kills: &mut dyn Iterator<Item = Kill>) -> usize {
        let mut killed = 0;
        loop {
            let mut ranks = Ranks(start(self.world_size, || self.rank()));
            let kill = kills.next();
            let is_hit = kill.is_some_and(|kill| self.carry_out(&kill, &mut ranks));
            match ranks.failed() {
                None => return killed,
                Some(_) if is_hit => killed += 1,
                Some(failed) => panic!("without a kill: {}", errors(&finish(failed))),
            }
        }
    }

    fn rank(&self) -> Command {
        let flags = format!("{} --save-every 2 --keep 2 --resume", self.flags);
        saved(&self.data, &flags, &self.folder)
    }

    /// Whether the rank was still there to be killed.
    fn carry_out(&self, kill: &Kill, ranks: &mut Ranks) -> bool {
        match kill.moment {
            Moment::After(time) => std::thread::sleep(time),
            Moment::InSave => {
                while !self.is_saving() && ranks.is_running() {
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
        }
        let victim = &mut ranks.0[kill.rank % self.world_size];
        let is_there = victim.try_wait().expect("a process of ours").is_none();
        victim.kill().expect("a process of ours");
        is_there
    }

    /// Whether a step is being written.
    fn is_saving(&self) -> bool {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let mut names = entries.flatten().map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with(".saving-"))
    }
}

/// Ranks that end with the test, however that ends.
struct Ranks(Vec<Child>);

impl Ranks {
    fn is_running(&mut self) -> bool {
        let mut ranks = self.0.iter_mut();
        ranks.any(|rank| rank.try_wait().expect("a process of ours").is_none())
    }

    /// Waits until all have ended, and ends all once one has failed, which is given.
    fn failed(mut self) -> Option<Child> {
        while self.is_running() {
            if let Some(index) = self.ended_badly() {
                self.stop();
                return Some(self.0.swap_remove(index));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.ended_badly().map(|index| self.0.swap_remove(index))
    }

    /// A rank that has ended otherwise than it should.
    fn ended_badly(&mut self) -> Option<usize> {
        self.0.iter_mut().position(|rank| {
            let ended = rank.try_wait().expect("a process of ours");
            ended.is_some_and(|status| !status.success())
        })
    }

    /// Asks the ranks to end, and kills those that do not.
    fn stop(&mut self) {
        for rank in &mut self.0 {
            if rank.try_wait().expect("a process of ours").is_none() {
                let pid = rank.id().to_string();
                let asked = Command::new("kill").args(["-TERM", &pid]).status();
                asked.expect("kill runs");
            }
        }
        let asked = Instant::now();
        while self.is_running() && asked.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(2));
        }
        for rank in &mut self.0 {
            rank.kill().expect("a process of ours");
            rank.wait().expect("it was killed");
        }
    }
}

impl Drop for Ranks {
    fn drop(&mut self) {
        for rank in &mut self.0 {
            // One that has ended already cannot be killed, and need not be.
            let _ = rank.kill();
            let _ = rank.wait();
        }
    }
}
