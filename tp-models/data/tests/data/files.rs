//! Rows are read from files of both formats, and faults are named with their place.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tp_data::{DataError, Row, Source};

use crate::tables;

fn written(content: impl AsRef<[u8]>) -> (TempDir, Source) {
    let dir = TempDir::new().expect("a folder");
    let path = dir.path().join("rows.jsonl");
    fs::write(&path, content).expect("a file");
    let source = Source::open(&path).expect("a source");
    (dir, source)
}

fn text(text: &str) -> Row {
    Row::Text { text: text.into() }
}

/// What is said of a row, without its file.
fn said(source: &Source, index: usize) -> String {
    let error = source.row(index).expect_err("a bad row").to_string();
    let prefix = format!("`{}`, ", source.path().display());
    error
        .strip_prefix(&prefix)
        .expect("the file first")
        .to_owned()
}

#[test]
fn lines_are_rows_however_they_end() {
    let (_dir, source) = written(
        "\u{feff}{\"text\": \"a\"}\r\n\n \t\r\n  {\"text\": \"b\"} \n{\"text\": \"ü\u{2028}\"}",
    );
    assert_eq!(source.len(), 3);
    for (index, expected) in ["a", "b", "ü\u{2028}"].into_iter().enumerate().rev() {
        assert_eq!(source.row(index).expect("a row"), text(expected));
    }
}

#[test]
fn a_file_without_rows_has_none() {
    for content in ["", "\u{feff}", "\n\r\n  "] {
        assert_eq!(written(content).1.len(), 0, "{content:?}");
    }
}

#[test]
fn columns_make_the_row() {
    let message = json!({"role": "user", "content": "a"});
    let tool = json!({"type": "function"});
    let rows = [
        json!({"text": "a", "id": 1, "messages": null}),
        json!({"prompt": "a", "completion": "b"}),
        json!({"prompt": [message], "completion": [message], "tools": [tool]}),
        json!({"messages": [message], "prompt": "of another shape"}),
        json!({"messages": [message], "tools": [tool]}),
        json!({"messages": [message], "tools": json!([tool]).to_string()}),
    ];
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let (_dir, source) = written(lines);
    let messages = vec![message];
    let chat = |tools: Option<Vec<Json>>| Row::Chat {
        messages: messages.clone(),
        tools,
    };
    let expected = [
        text("a"),
        Row::Completion {
            prompt: "a".into(),
            completion: "b".into(),
        },
        Row::Exchange {
            prompt: messages.clone(),
            completion: messages.clone(),
            tools: Some(vec![tool.clone()]),
        },
        chat(None),
        chat(Some(vec![tool.clone()])),
        chat(Some(vec![tool])),
    ];
    for (index, expected) in expected.iter().enumerate() {
        assert_eq!(source.row(index).expect("a row"), *expected);
    }
}

#[test]
fn a_bad_row_is_named_with_its_line() {
    let lines = [
        "{\"text\": \"a\"",
        "",
        "[1]",
        "{\"text\": \"\\ud800\"}",
        "{\"txt\": \"a\", \"id\": 1}",
        "{}",
        "{\"text\": \"a\", \"messages\": []}",
        "{\"text\": 1}",
        "{\"prompt\": \"a\", \"completion\": []}",
        "{\"messages\": \"a\"}",
        "{\"messages\": [{\"content\": \"a\"}]}",
        "{\"messages\": [], \"tools\": \"[1\"}",
        "{\"messages\": [], \"tools\": [1]}",
    ];
    let (_dir, source) = written(lines.join("\n"));
    let expected = [
        "line 1: it is no JSON object: EOF",
        "line 3: it is no JSON object: invalid type: sequence",
        "line 4: it is no JSON object: ",
        "line 5: it has the columns `txt`, `id`: a row needs `text`, or",
        "line 6: it has the columns none: ",
        "line 7: it has the columns `text`, `messages`: leave only",
        "line 8: `text` should be a text, and there is a number",
        "line 9: `completion` should be a text, and there is a list",
        "line 10: `messages` should be a list of messages, each an object with a text `role`, and there is a text",
        "line 11: `messages` should be a list of messages, each an object with a text `role`, and there is an object",
        "line 12: `tools` should be a list of objects, or the text of one, and there is EOF",
        "line 13: `tools` should be a list of objects, or the text of one, and there is a list",
    ];
    for (index, expected) in expected.iter().enumerate() {
        let found = said(&source, index);
        assert!(found.starts_with(expected), "{found}, not {expected}");
    }
    let (_dir, source) = written(b"{\"text\": \"\xff\"}");
    assert!(said(&source, 0).starts_with("line 1: it is no JSON object: "));
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = format!(
        "{{\"messages\": {}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let (_dir, source) = written(deep);
    assert!(said(&source, 0).contains("recursion limit"));
}

#[test]
fn a_file_that_shrinks_is_noticed() {
    let (dir, source) = written("{\"text\": \"a\"}\n{\"text\": \"b\"}\n");
    fs::write(dir.path().join("rows.jsonl"), "{\"text\": \"a\"}\n").expect("a file");
    assert!(source.row(0).is_ok());
    assert!(said(&source, 1).contains("has the file changed?"));
}

#[test]
fn what_is_not_there_is_named() {
    let error = Source::open(Path::new("no/such.jsonl")).expect_err("no file");
    assert!(matches!(error, DataError::Unreadable { .. }));
    assert!(error.to_string().contains("`no/such.jsonl`"), "{error}");
}

#[test]
fn tables_hold_the_same_rows() {
    let dir = TempDir::new().expect("a folder");
    for compression in tables::COMPRESSIONS {
        let path = dir.path().join("rows.parquet");
        tables::texts(&path, &["a", "ü", ""], 2, compression);
        let source = Source::open(&path).expect("a source");
        assert_eq!(source.len(), 3);
        for (index, expected) in ["a", "ü", ""].into_iter().enumerate().rev() {
            assert_eq!(
                source.row(index).expect("a row"),
                text(expected),
                "{compression}"
            );
        }
    }
}

#[test]
fn messages_of_a_table_have_the_fields_that_are_there() {
    let dir = TempDir::new().expect("a folder");
    let path = dir.path().join("rows.parquet");
    tables::chats(
        &path,
        &[
            &[("user", Some("a")), ("assistant", None)],
            &[("user", Some("b"))],
        ],
    );
    let source = Source::open(&path).expect("a source");
    let chat = |messages: &[Json]| Row::Chat {
        messages: messages.to_vec(),
        tools: None,
    };
    let expected = [
        chat(&[
            json!({"role": "user", "content": "a"}),
            json!({"role": "assistant"}),
        ]),
        chat(&[json!({"role": "user", "content": "b"})]),
    ];
    for (index, expected) in expected.iter().enumerate() {
        assert_eq!(source.row(index).expect("a row"), *expected);
    }
}

#[test]
fn a_bad_row_of_a_table_is_named() {
    let dir = TempDir::new().expect("a folder");
    let path = dir.path().join("rows.parquet");
    tables::chats(&path, &[&[("user", Some("a"))], &[]]);
    let source = Source::open(&path).expect("a source");
    assert_eq!(source.len(), 2);
    assert!(source.row(1).is_ok());
    tables::column(&path, "txt");
    let source = Source::open(&path).expect("a source");
    assert!(said(&source, 0).starts_with("row 1: it has the columns `txt`: "));
}
