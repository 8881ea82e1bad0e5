//! The configs of the fixtures: published ones, and those of tiny checkpoints.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The published configs by the name of their checkpoint.
///
/// # Panics
/// When one cannot be read.
pub fn published() -> BTreeMap<String, Value> {
    let files = entries(&fixtures().join("hub_configs"));
    let named = |file: PathBuf| {
        let stem = file.file_stem().expect("a name").to_string_lossy();
        (stem.replace("__", "/"), read(&file))
    };
    files.into_iter().map(named).collect()
}

/// The configs of the tiny checkpoints by the name of the fixture.
///
/// # Panics
/// When one cannot be read.
pub fn tiny() -> BTreeMap<String, Value> {
    let folders = entries(&fixtures()).into_iter();
    let files = folders.map(|folder| (folder.join("config.json"), folder));
    let named = |(file, folder): (PathBuf, PathBuf)| {
        let name = folder.file_name().expect("a name").to_string_lossy();
        (name.into_owned(), read(&file))
    };
    files.filter(|(file, _)| file.exists()).map(named).collect()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of fixtures");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.collect()
}

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).expect("a config");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
