//! Files of rows, of which any row can be read at any time.

mod json_lines;
mod parquet;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use json_lines::JsonLines;
use parquet::Parquet;

use crate::error::{DataError, RowError};
use crate::row::Row;

/// A file of rows: JSON lines or Parquet, as its first bytes say.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    format: Format,
}

#[derive(Debug)]
enum Format {
    JsonLines(JsonLines),
    Parquet(Parquet),
}

impl Source {
    /// Opens a file and finds where its rows are.
    ///
    /// # Errors
    /// When it cannot be read, or is none of the two.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let format = match is_parquet(&mut file).map_err(unreadable)? {
            true => {
                let opened = Parquet::open(file);
                Format::Parquet(opened.map_err(|reason| DataError::Parquet {
                    path: path.to_owned(),
                    reason,
                })?)
            }
            false => Format::JsonLines(JsonLines::open(file).map_err(unreadable)?),
        };
        Ok(Self {
            path: path.to_owned(),
            format,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        match &self.format {
            Format::JsonLines(file) => file.len(),
            Format::Parquet(file) => file.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row.
    ///
    /// # Errors
    /// When it cannot be read, or is not a [`Row`].
    pub fn row(&self, index: usize) -> Result<Row, DataError> {
        let columns = match &self.format {
            Format::JsonLines(file) => file.columns(index),
            Format::Parquet(file) => file.columns(index),
        };
        let row = columns.and_then(Row::new);
        row.map_err(|error| self.fault(index, error))
    }

    /// An error of a row, with the file and the place in it.
    pub(crate) fn fault(&self, index: usize, error: RowError) -> DataError {
        DataError::Row {
            path: self.path.clone(),
            place: self.place(index),
            source: Box::new(error),
        }
    }

    fn place(&self, index: usize) -> Place {
        match &self.format {
            Format::JsonLines(file) => Place::Line(file.line(index)),
            Format::Parquet(_) => Place::Row(index + 1),
        }
    }
}

/// Where a row stands in its file, the first being 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of text.
    Line(usize),
    /// A row of a table.
    Row(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
        }
    }
}

fn is_parquet(file: &mut File) -> io::Result<bool> {
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic)?;
    file.rewind()?;
    Ok(magic == b"PAR1")
}
