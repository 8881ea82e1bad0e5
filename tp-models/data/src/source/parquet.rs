//! Parquet files, one group of rows of which is held.

use std::fmt;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row as Record};
use serde_json::{Map, Value as Json};

use crate::error::RowError;

/// A file and the group of its rows that was read last.
pub(super) struct Parquet {
    reader: SerializedFileReader<File>,
    /// One past the last row of each group.
    ends: Vec<usize>,
    held: Mutex<Option<(usize, Arc<Vec<Record>>)>>,
}

impl fmt::Debug for Parquet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parquet").field("ends", &self.ends).finish()
    }
}

impl Parquet {
    pub(super) fn open(file: File) -> Result<Self, String> {
        let reader = whole(|| SerializedFileReader::new(file))?;
        let mut ends = Vec::new();
        let mut end = 0_usize;
        for group in reader.metadata().row_groups() {
            let rows = usize::try_from(group.num_rows()).ok();
            let next = rows.and_then(|rows| end.checked_add(rows));
            end = next.ok_or("a group has a number of rows that cannot be")?;
            ends.push(end);
        }
        Ok(Self {
            reader,
            ends,
            held: Mutex::new(None),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// A row's columns.
    pub(super) fn columns(&self, row: usize) -> Result<Map<String, Json>, RowError> {
        let index = self.ends.partition_point(|&end| end <= row);
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let group = self.group(index);
        let group = group.map_err(|reason| RowError::Unreadable { reason })?;
        let record = group.get(row - start).ok_or_else(|| RowError::Unreadable {
            reason: format!("group {index} has only {} rows", group.len()),
        })?;
        let columns = record.get_column_iter();
        Ok(columns
            .map(|(name, field)| (name.clone(), value(field)))
            .collect())
    }

    /// A group of rows, read unless it is held.
    fn group(&self, index: usize) -> Result<Arc<Vec<Record>>, String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match &*held {
            Some((number, group)) if *number == index => Ok(group.clone()),
            _ => {
                // The old one goes before the new one is made.
                *held = None;
                let group = Arc::new(whole(|| self.read(index))?);
                *held = Some((index, group.clone()));
                Ok(group)
            }
        }
    }

    fn read(&self, index: usize) -> Result<Vec<Record>, ParquetError> {
        self.reader
            .get_row_group(index)?
            .get_row_iter(None)?
            .collect()
    }
}

/// What a reader gives that may panic where a file is broken: it takes levels and lengths in pages for true.
fn whole<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(_) => Err("its pages contradict each other".to_owned()),
    }
}

/// A field, where a struct leaves out what it has no value for: one row's messages may have fields that others lack.
fn value(field: &Field) -> Json {
    match field {
        Field::Group(group) => {
            let fields = group.get_column_iter();
            let fields = fields.filter(|(_, field)| !matches!(field, Field::Null));
            Json::Object(
                fields
                    .map(|(name, field)| (name.clone(), value(field)))
                    .collect(),
            )
        }
        Field::ListInternal(list) => Json::Array(list.elements().iter().map(value).collect()),
        Field::Bytes(bytes) => match bytes.as_utf8() {
            Ok(text) => Json::from(text),
            Err(_) => field.to_json_value(),
        },
        _ => field.to_json_value(),
    }
}
