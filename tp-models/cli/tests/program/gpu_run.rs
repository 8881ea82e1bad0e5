//! What is tried on GPUs, tried on the CPU.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn each_step_stands_for_itself_in_the_report() {
    let out = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_tp"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/gpu/run.py");
    let run = Command::new("python3")
        .args([script, "--device", "cpu", "--binaries"])
        .arg(program.parent().expect("the folder of the program"))
        .args(["--only", "parity", "train", "generate", "--out"])
        .arg(out.path())
        .output()
        .expect("python3 runs");
    let printed = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    // The folder of the program holds no tests.
    assert_eq!(run.status.code(), Some(1), "{printed}");
    let report = fs::read_to_string(out.path().join("report.md")).expect("a report");
    let row = |step: &str| {
        let start = format!("| {step}: ");
        let mut rows = report.lines().filter(|line| line.starts_with(&start));
        rows.next()
            .unwrap_or_else(|| panic!("no {step}:\n{report}\n{printed}"))
            .to_owned()
    };
    assert!(row("parity").contains("| failed |"), "{report}");
    assert!(report.contains("No such file or directory"), "{report}");
    assert!(row("train").contains("| passed |"), "{report}");
    assert!(report.contains("60 steps, loss"), "{report}");
    assert!(row("generate").contains("| passed |"), "{report}");
    assert!(report.contains("Once upon a time there was"), "{report}");
}

#[test]
fn a_step_that_there_is_not() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/gpu/run.py");
    let out = tempfile::tempdir().expect("a folder");
    let run = Command::new("python3")
        .args([
            script,
            "--device",
            "cpu",
            "--binaries",
            ".",
            "--only",
            "trian",
            "--out",
        ])
        .arg(out.path())
        .output()
        .expect("python3 runs");
    let printed = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("there is no step trian; there are: parity,"),
        "{printed}"
    );
}
