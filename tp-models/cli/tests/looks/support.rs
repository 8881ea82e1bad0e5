//! Runs of the program, and what they print.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of a committed checkpoint, or another file of the fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures")
        .join(name)
}

pub(crate) fn tp(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tp"));
    command
        .args(arguments)
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .expect("the program starts")
}

/// What a run that succeeds prints.
pub(crate) fn printed(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("the program prints UTF-8")
}

/// The message of a run that fails.
pub(crate) fn refused(output: Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).expect("the program prints UTF-8");
    assert!(text.starts_with("error: "), "{text}");
    text
}

/// Compares with a file; with `UPDATE_SNAPSHOTS` set, writes it.
pub(crate) fn assert_snapshot(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, found).expect("snapshots can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        kept,
        found,
        "{} differs; UPDATE_SNAPSHOTS=1 writes it anew",
        path.display()
    );
}

/// A file of this text, in a folder for tests.
pub(crate) fn written(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a test can write");
    path
}

/// What a run says beside what it prints.
pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
