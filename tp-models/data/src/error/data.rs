//! What keeps files from becoming a data set.

use std::io;
use std::path::PathBuf;

use super::RowError;
use crate::source::Place;
use crate::statistics::Statistics;

/// A file that cannot become a data set.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file that cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// A file that begins as Parquet and is none.
    #[error("`{path}` is not a whole Parquet file: {reason}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A row that is wrong.
    #[error("`{path}`, {place}: {source}")]
    Row {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: Place,
        /// What is wrong.
        source: Box<RowError>,
    },

    /// A weight that says nothing.
    #[error(
        "`{path}` has the weight {weight}: give a number above 0, how often an epoch sees each row"
    )]
    Weight {
        /// The file.
        path: PathBuf,
        /// Its weight.
        weight: f64,
    },

    /// More samples than are counted.
    #[error(
        "with `{path}`, of weight {weight}, an epoch has more than 4 billion samples: lower the weight, or divide the file"
    )]
    TooManySamples {
        /// The file with which there are too many.
        path: PathBuf,
        /// Its weight.
        weight: f64,
    },

    /// Files without a sample.
    #[error("the files hold no sample:\n{statistics}")]
    NoSamples {
        /// What became of their rows.
        statistics: Statistics,
    },
}
