//! Copies of fixtures' checkpoints with other fields in `config.json`.

use std::fs;

use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::fixture;

/// A copy of the checkpoint of a fixture with other `fields`, by their places in its config (JSON pointers).
///
/// # Panics
/// When it cannot be copied, or the config has no such place.
pub fn with_fields(name: &str, fields: &Map<String, Value>) -> TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    let original = fixture(name).dir;
    for entry in fs::read_dir(&original).expect("a fixture").flatten() {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }
    let path = copy.path().join("config.json");
    let text = fs::read_to_string(&path).expect("a config");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    for (place, value) in fields {
        let (inner, field) = place.rsplit_once('/').expect("a JSON pointer");
        let inner = config.pointer_mut(inner).expect("a place in the config");
        inner[field] = value.clone();
    }
    fs::write(path, config.to_string()).expect("a copy");
    copy
}
