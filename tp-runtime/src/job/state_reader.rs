//! The files of optimizer state of all ranks, read as one.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tch::Tensor;

use super::overlap::{Overlap, gap, overlaps};
use super::place::Place;
use super::state_writer::{PIECES, StoredPiece};
use super::{JobError, PieceState, names};
use crate::checkpoint::{CheckpointError, SafetensorsFile, kind_of};
use crate::comm::ProcessGroup;
use crate::module::ShardedParam;

/// The mapped files of a step, and which pieces they hold of each parameter.
pub(super) struct StateReader {
    dir: PathBuf,
    files: Vec<SafetensorsFile>,
    /// By the parameter's name, each with the index of its file.
    pieces: HashMap<String, Vec<(usize, StoredPiece)>>,
}

impl StateReader {
    /// Opens the files of all ranks that saved a step of this model.
    pub(super) fn open(
        dir: &Path,
        ranks: usize,
        params: &[ShardedParam<'_>],
    ) -> Result<Self, JobError> {
        let mut reader = Self {
            dir: dir.to_owned(),
            files: Vec::with_capacity(ranks),
            pieces: HashMap::new(),
        };
        let shapes = params.iter().flat_map(|named| {
            let shape = named.param.shape();
            all_names(named).map(move |name| (name, shape))
        });
        let shapes: HashMap<&str, &[i64]> = shapes.collect();
        for rank in 0..ranks {
            let file = open(&dir.join(names::optimizer(rank, ranks)), ranks)?;
            for piece in pieces(&file)? {
                check(&file, &piece, &shapes)?;
                let name = piece.place.parameter.clone();
                reader.pieces.entry(name).or_default().push((rank, piece));
            }
            reader.files.push(file);
        }
        Ok(reader)
    }

    /// Writes the saved state over the tensors of a piece.
    pub(super) fn restore(
        &self,
        params: &[ShardedParam<'_>],
        group: &ProcessGroup,
        state: &PieceState,
    ) -> Result<(), JobError> {
        let target = Place::of(params, group, state)?;
        let spans = target.spans();
        let named = &params[state.piece.parameter];
        let stored = all_names(named).find_map(|name| self.pieces.get(name));
        let sources: Vec<_> = (stored.into_iter().flatten())
            .map(|(file, piece)| {
                (
                    &self.files[*file],
                    piece,
                    overlaps(&piece.place.spans(), &spans),
                )
            })
            .filter(|(.., overlaps)| !overlaps.is_empty())
            .collect();
        for (name, tensor) in &state.tensors {
            let read = self.read(&target, name, &sources)?;
            let read = read.f_view(tensor.size().as_slice())?;
            tch::no_grad(|| tensor.shallow_clone().f_copy_(&read))?;
        }
        Ok(())
    }

    /// Puts one tensor of a piece together.
    fn read(
        &self,
        target: &Place,
        state: &str,
        sources: &[(&SafetensorsFile, &StoredPiece, Vec<Overlap>)],
    ) -> Result<Tensor, JobError> {
        let length = target.length() as usize;
        let missing = |start: usize| {
            let (dir, parameter) = (self.dir.clone(), target.parameter.clone());
            let state = state.to_owned();
            match start {
                0 => JobError::NoState {
                    dir,
                    parameter,
                    state,
                },
                _ => JobError::Gap {
                    dir,
                    parameter,
                    state,
                    start: target.elements.start + start as i64,
                },
            }
        };
        let mut bytes = Vec::new();
        let mut kind = None;
        let mut covered = Vec::new();
        for (file, piece, overlaps) in sources {
            let Some(info) = file.tensor(&piece.tensor_name(state)) else {
                continue;
            };
            let own = kind_of(info.dtype);
            let (Some(own), true) = (own, kind.is_none() || kind == own) else {
                let reason = format!("`{}` is stored as {}", piece.tensor_name(state), info.dtype);
                return Err(unfit(file, reason));
            };
            kind = Some(own);
            let size = own.elt_size_in_bytes();
            bytes.resize(length * size, 0);
            let from = file.bytes(info.data_offsets.0..info.data_offsets.1);
            for Overlap { from: start, to } in overlaps {
                let read = &from[start * size..(start + to.len()) * size];
                bytes[to.start * size..to.end * size].copy_from_slice(read);
                covered.push(to.clone());
            }
        }
        match (gap(covered, length), kind) {
            (None, Some(kind)) => Ok(Tensor::f_from_data_size(&bytes, &[length as i64], kind)?),
            (start, _) => Err(missing(start.unwrap_or(0))),
        }
    }
}

/// Maps a file.
fn open(path: &Path, ranks: usize) -> Result<SafetensorsFile, JobError> {
    match File::open(path) {
        Ok(file) => Ok(SafetensorsFile::open(path, &file)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(JobError::MissingState {
            path: path.to_owned(),
            ranks,
        }),
        Err(error) => Err(CheckpointError::io("open", path)(error).into()),
    }
}

/// What the header says of the pieces in a file.
fn pieces(file: &SafetensorsFile) -> Result<Vec<StoredPiece>, JobError> {
    let text = file.metadata(PIECES);
    let text = text.ok_or_else(|| unfit(file, format!("its header has no `{PIECES}`")))?;
    serde_json::from_str(text).map_err(|error| unfit(file, error.to_string()))
}

/// Whether a piece is of one of the model's parameters, and its tensors are where it says.
fn check(
    file: &SafetensorsFile,
    piece: &StoredPiece,
    shapes: &HashMap<&str, &[i64]>,
) -> Result<(), JobError> {
    let (path, parameter) = (file.path.clone(), piece.place.parameter.clone());
    let found = &piece.place.shape;
    match shapes.get(parameter.as_str()) {
        None => return Err(JobError::Foreign { path, parameter }),
        Some(expected) if expected != found => {
            return Err(JobError::Shape {
                path,
                parameter,
                found: found.clone(),
                expected: expected.to_vec(),
            });
        }
        Some(_) => {}
    }
    let mut tensors = piece.state.iter().map(|state| piece.tensor_name(state));
    let is_stored = |name: &String| {
        let info = file.tensor(name);
        info.is_some_and(|info| info.shape == [piece.place.length() as usize])
    };
    if !piece.place.is_sound() {
        return Err(unfit(
            file,
            format!("a piece of `{parameter}` lies outside it"),
        ));
    }
    match tensors.find(|name| !is_stored(name)) {
        Some(name) => Err(unfit(file, format!("it has no whole `{name}`"))),
        None => Ok(()),
    }
}

fn all_names<'a>(named: &'a ShardedParam<'_>) -> impl Iterator<Item = &'a str> {
    let names = std::iter::once(&named.name).chain(&named.tied);
    names.map(String::as_str)
}

fn unfit(file: &SafetensorsFile, reason: String) -> JobError {
    JobError::Header {
        path: file.path.clone(),
        reason,
    }
}
