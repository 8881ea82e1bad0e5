//! Whatever is in files and templates: an answer or an error, and in time.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tp_data::{ChatTemplate, Encoder, Source, TemplateError};

use crate::cases::Cases;
use crate::tables;

/// Reads and encodes all that a file gives.
fn exhaust(content: &[u8], encoder: &Encoder) {
    let dir = TempDir::new().expect("a folder");
    let path = dir.path().join("rows");
    fs::write(&path, content).expect("a file");
    let Ok(source) = Source::open(&path) else {
        return;
    };
    // The number of rows that a broken table names is not the number that it has.
    for index in 0..source.len().min(100) {
        if let Ok(row) = source.row(index) {
            let _outcome = encoder.encode(&row);
        }
    }
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".*".prop_map(Json::from),
        Just(json!("user")),
        Just(json!("assistant")),
    ];
    let key = prop_oneof![
        Just("role".to_owned()),
        Just("content".to_owned()),
        Just("tool_calls".to_owned()),
        Just("function".to_owned()),
        ".{0,4}",
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn row() -> impl Strategy<Value = Json> {
    let column = prop::sample::select(vec!["text", "prompt", "completion", "messages", "tools"]);
    let columns = prop::collection::vec((column, json()), 0..4);
    columns.prop_map(|columns| {
        columns
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "m",
        "m.content",
        "m['role']",
        "messages",
        "tools",
        "x",
        "ns",
        "ns.x",
        "loop.index0",
        "loop.previtem",
        "9999999999",
        "-1",
        "1.5",
        "'a'",
        "'é\\n'",
        "none",
        "true",
        "[1, 2]",
        "{'a': 1}",
        "range(99999)",
        "f(m)",
        "caller()",
        "namespace(x=1)",
        "strftime_now('%q')",
        "raise_exception('no')",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(3, 8, 2, |inner| {
            let operator =
                prop::sample::select(vec!["+", "~", "*", "/", "%", "**", "in", "and", "==", "<"]);
            let suffix = prop::sample::select(vec![
                " | tojson",
                " | tojson(indent=3)",
                " | trim",
                " | length",
                " | list",
                " | string",
                " | join(',')",
                " | sort",
                ".split('a')",
                ".strip()",
                ".items()",
                "[::-1]",
                "[1:]",
                "[-1]",
                " is iterable",
                " is string",
                " is defined",
                ".replace('a', 'aaaa')",
            ]);
            prop_oneof![
                (inner.clone(), operator, inner.clone())
                    .prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
                (inner, suffix).prop_map(|(a, suffix)| format!("({a}{suffix})")),
            ]
        })
}

/// Jinja, with the pieces of a template in their places.
fn template() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        expression().prop_map(|a| format!("{{{{ {a} }}}}")),
        expression().prop_map(|a| format!("{{%- set x = {a} -%}}")),
        expression().prop_map(|a| format!("{{% set ns.x = {a} %}}")),
        prop::sample::select(vec![
            "text",
            "\n  ",
            "{% break %}",
            "{%- continue %}",
            "{# no #}",
            "{% endif %}",
            "{{",
            "%}"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let body = prop::collection::vec(inner, 0..4).prop_map(|pieces| pieces.concat());
        prop_oneof![
            (expression(), body.clone())
                .prop_map(|(a, body)| format!("{{% for m in {a} %}}{body}{{% endfor %}}")),
            (expression(), body.clone()).prop_map(|(a, body)| format!(
                "{{% if {a} %}}{body}{{% else %}}{body}{{% endif %}}"
            )),
            body.clone()
                .prop_map(|body| format!("{{%- generation -%}}{body}{{% endgeneration %}}")),
            body.clone()
                .prop_map(|body| format!("{{% macro f(x) %}}{body}{{% endmacro %}}{{{{ f(1) }}}}")),
            body.prop_map(|body| format!("{{% set ns = namespace(x=1) %}}{body}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_bytes_are_rows_or_errors(content in prop::collection::vec(any::<u8>(), 0..200)) {
        exhaust(&content, &Cases::read().encoder("marked"));
    }

    #[test]
    fn any_json_is_a_row_or_an_error(rows in prop::collection::vec(row(), 1..4), template in 0_usize..7) {
        let cases = Cases::read();
        let template = cases.renders.keys().nth(template).expect("a template");
        let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
        exhaust(lines.as_bytes(), &cases.encoder(template));
    }

    #[test]
    fn any_template_ends(source in template(), messages in prop::collection::vec(json(), 0..3)) {
        if let Ok(template) = ChatTemplate::new(&source, BTreeMap::new()) {
            let _outcome = template.render_with_spans(&messages, None);
        }
    }

    #[test]
    fn a_broken_table_is_an_error(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let dir = TempDir::new().expect("a folder");
        let path = dir.path().join("rows");
        tables::chats(&path, &[&[("user", Some("a")), ("assistant", Some("b"))], &[], &[("user", None)]]);
        let mut content = fs::read(&path).expect("a table");
        let place = place.index(content.len());
        match cut {
            true => content.truncate(place),
            false => content[place] = byte,
        }
        exhaust(&content, &Cases::read().encoder("marked"));
    }
}

#[test]
fn a_template_without_an_end_runs_out_of_fuel() {
    for source in [
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ a * b }}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set ns = namespace(x='aaaaaaaa') %}{% for a in range(99999) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    ] {
        let template = ChatTemplate::new(source, BTreeMap::new()).expect("Jinja");
        let error = template.render(&[json!({"role": "user"})], None, false);
        assert!(
            matches!(error, Err(TemplateError::Render { .. })),
            "{source}"
        );
    }
}
