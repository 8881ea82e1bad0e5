//! What keeps a job from its folder, or from going on with what is in it.

use std::io;
use std::path::PathBuf;

use super::CheckpointError;

/// A job's folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A folder that a rank cannot write to.
    #[error(
        "a job cannot be saved in `{dir}`: {source}; give it a folder that every rank sees and can write to"
    )]
    Unwritable {
        /// The folder.
        dir: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// A folder that another job has.
    #[error(
        "`{dir}` is the folder of a job that is running: wait until it has ended, or give this one a folder of its own"
    )]
    Locked {
        /// The folder.
        dir: PathBuf,
    },

    /// A `latest` that leads to no step.
    #[error(
        "`{link}` names `{target}`, which is no step of that folder: point it at one that is, as with `ln -sfn step-100 latest`"
    )]
    Latest {
        /// The link.
        link: PathBuf,
        /// What it names.
        target: PathBuf,
    },

    /// A folder without `job.json`.
    #[error(
        "`{dir}` holds no `job.json`: give a step that a job has saved, such as `step-100` or `latest` of its folder"
    )]
    NoStep {
        /// The folder.
        dir: PathBuf,
    },

    /// A `job.json` that cannot be understood, or not be written.
    #[error("`{path}` does not describe a step of this job: {reason}; resume from another step")]
    Description {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A step in a format of another time.
    #[error(
        "`{path}` has format {found}, and this program reads {known}: resume with the program that saved it"
    )]
    Version {
        /// The `job.json`.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The one that is read.
        known: u64,
    },

    /// A step that would be overwritten.
    #[error(
        "`{path}` is there already, and {why}: resume the job from it, or give this one a folder of its own"
    )]
    Taken {
        /// The folder of the step.
        path: PathBuf,
        /// Why it is not replaced.
        why: &'static str,
    },

    /// A file of optimizer state that is not there.
    #[error(
        "`{path}` is missing: {ranks} ranks saved that step, each a file, and all are needed; copy it too, or resume from another step"
    )]
    MissingState {
        /// The file.
        path: PathBuf,
        /// How many there are.
        ranks: usize,
    },

    /// A file whose header does not say what its tensors are.
    #[error("`{path}` is no file of optimizer state: {reason}; resume from another step")]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// State of a parameter that the model does not have.
    #[error(
        "`{path}` holds the state of `{parameter}`, which the model does not have: it is another model's checkpoint, resume from one of this model"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The parameter.
        parameter: String,
    },

    /// A parameter without the state its optimizer needs.
    #[error(
        "`{dir}` holds no `{state}` of `{parameter}`: another model or optimizer saved it, resume from a step that this one saved"
    )]
    NoState {
        /// The folder of the step.
        dir: PathBuf,
        /// The parameter.
        parameter: String,
        /// What the optimizer keeps of it.
        state: String,
    },

    /// State of a parameter of another shape.
    #[error(
        "`{path}` holds the state of `{parameter}` of shape {found:?}, and the model's is {expected:?}: \
         it is another model's checkpoint, resume from one of this model"
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The parameter.
        parameter: String,
        /// The shape there.
        found: Vec<i64>,
        /// The model's.
        expected: Vec<i64>,
    },

    /// Elements that no file holds.
    #[error(
        "no file of `{dir}` holds `{state}` of `{parameter}` from element {start} of this rank's part on: \
         a rank did not save its share, resume from another step"
    )]
    Gap {
        /// The folder of the step.
        dir: PathBuf,
        /// The parameter.
        parameter: String,
        /// What the optimizer keeps of it.
        state: String,
        /// The first element that is nowhere.
        start: i64,
    },

    /// A piece that is none of the parameter's.
    #[error(
        "elements {start}..{end} of `{parameter}` with a tensor of {length}: this rank holds {held} elements of it, \
         and every tensor of a piece has one for each of the piece's"
    )]
    Piece {
        /// The parameter.
        parameter: String,
        /// First element of the piece.
        start: i64,
        /// One past its last.
        end: i64,
        /// How many elements a tensor has.
        length: i64,
        /// How many the rank holds.
        held: i64,
    },

    /// A file that cannot be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),

    /// libtorch refused.
    #[error(transparent)]
    Torch(#[from] tch::TchError),
}
