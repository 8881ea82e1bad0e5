//! The files of `examples/launch`, as far as this program reads them.

use std::fs;
use std::path::Path;

use crate::support::{command, refused};

/// The flags of `tp train` in a script, or in a list of YAML.
fn flags(text: &str) -> Vec<&str> {
    match text.split_once("tp train ") {
        Some((_, flags)) => flags
            .split_whitespace()
            .filter(|word| *word != "\\")
            .collect(),
        None => {
            let items = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("- "));
            items.filter(|item| item.starts_with("--")).collect()
        }
    }
}

/// The first number that follows a marker.
fn number(text: &str, marker: &str) -> usize {
    let digits = |after: &str| {
        let end = after.find(|letter: char| !letter.is_ascii_digit());
        after[..end.unwrap_or(after.len())].parse().ok()
    };
    let number = text.split(marker).skip(1).find_map(digits);
    number.unwrap_or_else(|| panic!("no number after `{marker}` in {text}"))
}

#[test]
fn they_start_as_many_ranks_as_their_job_has() {
    for (file, factors) in [
        ("torchrun.sh", &["--nproc-per-node "][..]),
        ("torchrun-two-hosts.sh", &["--nnodes ", "--nproc-per-node "]),
        ("slurm.sbatch", &["--nodes=", "--ntasks-per-node="]),
        ("mpirun.sh", &["-np "]),
        ("kubernetes.yaml", &["completions: "]),
        ("kubernetes.yaml", &["parallelism: "]),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/launch");
        let text = fs::read_to_string(path.join(file)).expect("the file is there");
        let flags = flags(&text)
            .join(" ")
            .replace("\"$SLURM_CPUS_PER_TASK\"", "4");
        let flags = flags.replace('=', " ");
        let processes: usize = factors.iter().map(|factor| number(&text, factor)).product();
        let ranks = number(&flags, "--dp ") * number(&flags, "--tp ");
        assert_eq!(processes, ranks, "{file}");
        // A flag that `tp` does not know would end it with 2.
        let message = refused(&mut command(&[Path::new("train"), Path::new(&flags)]), 1);
        assert!(message.contains("models/base"), "{file}: {message}");
    }
}
