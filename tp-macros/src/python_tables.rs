//! Every row of the Python tables can be written here.

use std::error::Error;

use serde_json::{Map, Value};

const TABLES: &str = include_str!("../../tests/fixtures/automodel_plans.json");

/// A cell that says what a Python entry says, every argument spelled out.
fn cell(entry: &Value) -> String {
    let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let style = match text("style").as_str() {
        "ColwiseParallel" => "Colwise".to_owned(),
        "RowwiseParallel" => "Rowwise".to_owned(),
        same => same.to_owned(),
    };
    let local = &entry["use_local_output"];
    if entry.get("sequence_sharding").is_some() {
        return format!(
            "{style}(sequence: {}, local: {local})",
            text("sequence_sharding")
        );
    }
    let (input, output) = (text("input_layouts"), text("output_layouts"));
    format!("{style}(input: {input}, output: {output}, local: {local})")
}

fn expansion(rows: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let table = format!("pub PLAN for Model; {}", rows.collect::<String>());
    Ok(crate::plan::plan(table.parse()?).to_string())
}

#[test]
fn each_is_legal_in_its_column() -> Result<(), Box<dyn Error>> {
    let tables: Map<String, Value> = serde_json::from_str(TABLES)?;
    assert!(tables.len() > 5);
    for (model, columns) in &tables {
        for (column, before) in [("tp", ""), ("sp", "_ | ")] {
            let entries = columns[column].as_object().ok_or("a column is no object")?;
            let rows = entries
                .iter()
                .map(|(pattern, entry)| format!("\"{pattern}\" => {before}{},", cell(entry)));
            let expanded = expansion(rows)?;
            assert!(
                !expanded.contains("compile_error"),
                "{model} {column}: {expanded}"
            );
        }
    }
    Ok(())
}
