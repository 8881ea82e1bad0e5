//! What the files and folders of a job are called.

use std::path::{Path, PathBuf};

/// The link to the newest step.
pub(super) const LATEST: &str = "latest";
/// The same link before it is moved over the old one.
pub(super) const NEW_LATEST: &str = ".latest";
/// Where ranks show that they can write.
pub(super) const PROBE: &str = ".probe";
/// What else than weights and state a job goes on with.
pub(super) const DESCRIPTION: &str = "job.json";

const SAVING: &str = ".saving-";
const REMOVING: &str = ".removing-";
const STEP: &str = "step-";

/// The folder of a step.
pub(super) fn step(number: u64) -> String {
    format!("{STEP}{number}")
}

/// The step a folder is called after.
pub(super) fn step_of(name: &Path) -> Option<u64> {
    let number = name.to_str()?.strip_prefix(STEP)?.parse().ok()?;
    // `step-007` and `step-+7` are somebody else's.
    (Path::new(&step(number)) == name).then_some(number)
}

/// A step that is being written.
pub(super) fn saving(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{SAVING}{}", step(number)))
}

/// A step that is being removed.
pub(super) fn removing(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{REMOVING}{}", step(number)))
}

/// Whether a folder is what a killed job left half written or half removed.
pub(super) fn is_leftover(name: &str) -> bool {
    let is_hidden_step = [SAVING, REMOVING].iter().any(|prefix| {
        let name = name.strip_prefix(prefix);
        name.is_some_and(|name| step_of(Path::new(name)).is_some())
    });
    is_hidden_step || name == PROBE
}

/// The file of one of `ranks` ranks.
pub(super) fn optimizer(rank: usize, ranks: usize) -> String {
    format!("optimizer-{rank:05}-of-{ranks:05}.safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_steps() {
        assert_eq!(step_of(Path::new("step-120")), Some(120));
        for other in [
            "step-",
            "step-007",
            "step-+7",
            "step-7.bak",
            "steps",
            "step-7/x",
        ] {
            assert_eq!(step_of(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn leftovers_are_hidden() {
        let dir = Path::new("");
        for path in [saving(dir, 5), removing(dir, 5)] {
            assert!(is_leftover(path.to_str().expect("text")));
        }
        assert!(!is_leftover("step-5") && !is_leftover(".saving-thoughts"));
    }
}
