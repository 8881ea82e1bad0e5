//! A rank's file of optimizer state.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::place::Place;
use super::{JobError, PieceState};
use crate::checkpoint::{Entry, Writer};
use crate::comm::ProcessGroup;
use crate::module::ShardedParam;

/// Under which name the header has a file's [`StoredPiece`]s.
pub(super) const PIECES: &str = "pieces";

/// What the header of a file says of one piece.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredPiece {
    #[serde(flatten)]
    pub(super) place: Place,
    /// The names of what is kept of it.
    pub(super) state: Vec<String>,
}

impl StoredPiece {
    /// What the file calls a tensor of the piece, such as `model.norm.weight[0..64].exp_avg`.
    pub(super) fn tensor_name(&self, state: &str) -> String {
        let Place {
            parameter,
            elements,
            ..
        } = &self.place;
        format!("{parameter}[{}..{}].{state}", elements.start, elements.end)
    }
}

/// Writes the file down to the disk.
pub(super) fn write(
    path: &Path,
    params: &[ShardedParam<'_>],
    group: &ProcessGroup,
    state: &[PieceState],
) -> Result<(), JobError> {
    let mut pieces = Vec::with_capacity(state.len());
    let mut tensors = Vec::new();
    for kept in state {
        let stored = StoredPiece {
            place: Place::of(params, group, kept)?,
            state: kept.tensors.iter().map(|(name, _)| name.clone()).collect(),
        };
        for (name, tensor) in &kept.tensors {
            let entry = Entry {
                name: stored.tensor_name(name),
                kind: tensor.f_kind()?,
                shape: vec![stored.place.length()],
            };
            tensors.push((entry, tensor.f_detach()?.f_reshape([-1])?));
        }
        pieces.push(stored);
    }
    let pieces = serde_json::to_string(&pieces).map_err(|error| JobError::Header {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let metadata = Map::from_iter([(PIECES.to_owned(), Value::from(pieces))]);
    let entries: Vec<Entry> = tensors.iter().map(|(entry, _)| entry.clone()).collect();
    let mut writer = Writer::create(path, &entries, metadata)?;
    for (entry, tensor) in &tensors {
        writer.write(entry, tensor)?;
    }
    Ok(writer.finish()?)
}
