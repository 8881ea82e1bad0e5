//! Every field of transformers' configs has a row in `docs/configs.md`, and what the row says of it is so.

use serde_json::{Map, Value, json};
use tp_models as _;
use tp_runtime::model;
use tp_tests::config_table::{BASES, Outcome, Row, parts};

/// The names and shapes of all parameters.
fn built(config: &Value) -> Result<Vec<(String, Vec<i64>)>, String> {
    let model = model::build(config).map_err(|error| error.to_string())?;
    let parameters = model.parameters().into_iter();
    Ok(parameters
        .map(|named| (named.name, named.param.shape().to_vec()))
        .collect())
}

#[test]
fn every_model_has_tables() {
    let models = model::models()
        .into_iter()
        .map(|model| model.architecture());
    assert!(models.eq(BASES.map(|(architecture, _)| architecture)));
}

/// Fields whose null is taken for their absence, though some classes refuse it.
const ABSENT: [&str; 7] = [
    "attention_dropout",
    "embd_pdrop",
    "head_dim",
    "model_type",
    "num_labels",
    "resid_pdrop",
    "tie_word_embeddings",
];

#[test]
fn nulls_are_allowed_where_transformers_allows_them() {
    let mut wrong = Vec::new();
    for part in parts() {
        for (field, row) in &part.rows {
            if row.outcome != Outcome::Read || ABSENT.contains(&field.as_str()) {
                continue;
            }
            let alone = Row {
                with: Map::new(),
                ..row.clone()
            };
            let null = built(&part.changed(&alone, field, Some(&Value::Null)));
            if null.is_ok() != part.nullable.contains(field) {
                let context = format!("{} {:?} {field}", part.base["architectures"], part.inside);
                wrong.push(format!("{context}: {:?}", null.err()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fields_are_read_unread_or_refused_as_the_tables_say() {
    for part in parts() {
        for (field, row) in &part.rows {
            let context = format!("{} {:?} {field}", part.base["architectures"], part.inside);
            let with = |value: &Value| built(&part.changed(row, field, Some(value)));
            let before = built(&part.changed(row, field, None));
            let before = before.unwrap_or_else(|error| panic!("{context}: {error}"));
            let refused = |value: &Value| match with(value) {
                Ok(_) => panic!("{context}: {value} is not refused"),
                Err(error) => assert!(error.contains(&format!("{field}`")), "{context}: {error}"),
            };
            match row.outcome {
                Outcome::Read => refused(&json!("nonsense")),
                Outcome::Refused => {
                    refused(&row.tried);
                    let harmless = row.harmless.as_ref().expect("a value that is not refused");
                    assert_eq!(with(harmless), Ok(before), "{context}");
                }
                Outcome::Unread | Outcome::ReadAtTheStart => {
                    assert_eq!(with(&row.tried), Ok(before), "{context}");
                }
            }
        }
    }
}
