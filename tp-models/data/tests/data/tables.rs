//! Parquet files, written column by column.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

pub(crate) const COMPRESSIONS: [&str; 4] = ["none", "snappy", "gzip", "zstd"];

/// A role and a content.
type Message<'a> = (&'a str, Option<&'a str>);

/// A column of a group of rows: values, and the levels at which they stand.
struct Column {
    values: Vec<ByteArray>,
    definitions: Vec<i16>,
    repetitions: Option<Vec<i16>>,
}

fn write(path: &Path, schema: &str, compression: &str, groups: Vec<Vec<Column>>) {
    let compression = match compression {
        "snappy" => Compression::SNAPPY,
        "gzip" => Compression::GZIP(Default::default()),
        "zstd" => Compression::ZSTD(ZstdLevel::default()),
        _ => Compression::UNCOMPRESSED,
    };
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let file = File::create(path).expect("a file");
    let mut writer =
        SerializedFileWriter::new(file, schema, Arc::new(properties)).expect("a writer");
    for columns in groups {
        let mut group = writer.next_row_group().expect("a group");
        for Column {
            values,
            definitions,
            repetitions,
        } in columns
        {
            let mut column = group.next_column().expect("it can").expect("a column");
            let typed = column.typed::<ByteArrayType>();
            let written = typed.write_batch(&values, Some(&definitions), repetitions.as_deref());
            written.expect("values");
            column.close().expect("a column");
        }
        group.close().expect("a group");
    }
    writer.close().expect("a file");
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text)
}

/// A column `text`, so many rows a group.
pub(crate) fn texts(path: &Path, texts: &[&str], rows: usize, compression: &str) {
    let group = |texts: &[&str]| {
        vec![Column {
            values: texts.iter().copied().map(bytes).collect(),
            definitions: vec![1; texts.len()],
            repetitions: None,
        }]
    };
    let schema = "message schema { optional binary text (STRING); }";
    write(
        path,
        schema,
        compression,
        texts.chunks(rows).map(group).collect(),
    );
}

/// A column of another name.
pub(crate) fn column(path: &Path, name: &str) {
    let schema = format!("message schema {{ optional binary {name} (STRING); }}");
    let column = Column {
        values: vec![bytes("a")],
        definitions: vec![1],
        repetitions: None,
    };
    write(path, &schema, "none", vec![vec![column]]);
}

/// A column `messages` of roles and contents, of which each may be missing.
pub(crate) fn chats(path: &Path, chats: &[&[Message<'_>]]) {
    let schema = "message schema { optional group messages (LIST) { repeated group list { optional group element {
        optional binary role (STRING); optional binary content (STRING); } } } }";
    let column = |value: &dyn Fn(&Message<'_>) -> Option<ByteArray>| {
        let mut column = Column {
            values: Vec::new(),
            definitions: Vec::new(),
            repetitions: Some(Vec::new()),
        };
        for chat in chats {
            let mut repetitions = Vec::new();
            for message in *chat {
                let value = value(message);
                column.definitions.push(3 + i16::from(value.is_some()));
                column.values.extend(value);
                repetitions.push(i16::from(!repetitions.is_empty()));
            }
            if chat.is_empty() {
                column.definitions.push(1);
                repetitions.push(0);
            }
            column
                .repetitions
                .as_mut()
                .expect("levels")
                .extend(repetitions);
        }
        column
    };
    let columns = vec![
        column(&|(role, _)| Some(bytes(role))),
        column(&|(_, content)| content.map(bytes)),
    ];
    write(path, schema, "snappy", vec![columns]);
}
