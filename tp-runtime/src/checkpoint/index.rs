//! `model.safetensors.index.json`: which file holds which tensor.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Component, Path};

use serde::Deserialize;

use super::CheckpointError;

/// The tensors of each file, by file name.
pub(super) type Files = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Reads an index.
pub(super) fn read(path: &Path, file: File) -> Result<Files, CheckpointError> {
    let fault = |reason: String| CheckpointError::Index {
        path: path.to_owned(),
        reason,
    };
    let index: Index =
        serde_json::from_reader(BufReader::new(file)).map_err(|error| fault(error.to_string()))?;
    let mut files = Files::new();
    for (tensor, file) in index.weight_map {
        if !is_file_name(&file) {
            return Err(fault(format!(
                "it places `{tensor}` in `{file}`, which is not the name of a file beside it"
            )));
        }
        files.entry(file).or_default().push(tensor);
    }
    if files.is_empty() {
        return Err(fault("its `weight_map` is empty".to_owned()));
    }
    Ok(files)
}

/// Whether a name stays inside the folder.
fn is_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(_)), None)
    )
}
