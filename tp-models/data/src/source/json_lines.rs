//! JSON lines: a row is an object in a line of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;

use serde_json::{Map, Value as Json};

use crate::error::RowError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A longer line is not a row of a data set, but a file in another format.
const LONGEST_LINE: u64 = 1 << 28;

/// A file and where its lines start.
#[derive(Debug)]
pub(super) struct JsonLines {
    file: File,
    /// The first byte of each line that is not blank, and one past the last byte of the file.
    starts: Vec<u64>,
    /// For each blank line, how many lines that are not stand before it.
    blanks: Vec<usize>,
}

impl JsonLines {
    /// Reads the file once, and keeps no line of it.
    pub(super) fn open(file: File) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 18, file);
        if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        let mut position = io::Seek::stream_position(&mut reader)?;
        let (mut starts, mut blanks) = (Vec::new(), Vec::new());
        let mut line = Line::starting_at(position);
        loop {
            let buffer = reader.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            for &byte in buffer {
                position += 1;
                match byte {
                    b'\n' => {
                        line.end(&mut starts, &mut blanks);
                        line = Line::starting_at(position);
                    }
                    _ => line.is_blank &= byte.is_ascii_whitespace(),
                }
            }
            let read = buffer.len();
            reader.consume(read);
        }
        if line.start < position {
            line.end(&mut starts, &mut blanks);
        }
        starts.push(position);
        Ok(Self {
            file: reader.into_inner(),
            starts,
            blanks,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of a row's line, the first being 1.
    pub(super) fn line(&self, row: usize) -> usize {
        row + 1 + self.blanks.partition_point(|&rows| rows <= row)
    }

    /// A row's columns.
    pub(super) fn columns(&self, row: usize) -> Result<Map<String, Json>, RowError> {
        let (start, end) = (self.starts[row], self.starts[row + 1]);
        if end - start > LONGEST_LINE {
            return Err(RowError::TooLong { bytes: end - start });
        }
        let mut line = vec![0; (end - start) as usize];
        let read = self.file.read_exact_at(&mut line, start);
        read.map_err(|error| RowError::Unreadable {
            reason: format!("{error}; has the file changed?"),
        })?;
        let parsed = serde_json::from_slice(&line);
        parsed.map_err(|error| RowError::NoObject {
            reason: error.to_string(),
        })
    }
}

/// A line that is being read.
struct Line {
    start: u64,
    is_blank: bool,
}

impl Line {
    fn starting_at(start: u64) -> Self {
        Self {
            start,
            is_blank: true,
        }
    }

    fn end(&self, starts: &mut Vec<u64>, blanks: &mut Vec<usize>) {
        match self.is_blank {
            true => blanks.push(starts.len()),
            false => starts.push(self.start),
        }
    }
}
