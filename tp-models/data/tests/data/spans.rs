//! What is said where answers cannot be found.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tp_data::{ChatTemplate, TemplateError};

use crate::cases::Cases;

fn say(role: &str, content: &str) -> Json {
    json!({"role": role, "content": content})
}

/// The message that a template's prefixes do not lead to, and why.
fn fault(template: &ChatTemplate, messages: &[Json]) -> (usize, String) {
    match template.render_with_spans(messages, None) {
        Err(TemplateError::Spans { message, reason }) => (message, reason),
        other => panic!("{other:?}"),
    }
}

fn template(source: &str) -> ChatTemplate {
    ChatTemplate::new(source, BTreeMap::new()).expect("Jinja")
}

#[test]
fn the_message_is_named() {
    let turns = [
        say("user", "a"),
        say("assistant", "b"),
        say("user", "c"),
        say("assistant", "d"),
    ];
    let qwen3 = Cases::read().template("qwen3");
    let (message, reason) = fault(&qwen3, &turns);
    assert_eq!(message, 2);
    assert!(reason.contains("the messages after it change"), "{reason}");
    let first = fault(&qwen3, &turns[1..]);
    assert_eq!(first.0, 1);
    assert!(first.1.contains("do not stand alone"), "{}", first.1);

    let no_prompt = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}{{ '!' if add_generation_prompt }}";
    let (message, reason) = fault(&template(no_prompt), &turns);
    assert_eq!(message, 2);
    assert!(reason.contains("generation prompt"), "{reason}");
}

#[test]
fn text_that_looks_like_markers_is_text() {
    let marked = template(
        "{% for m in messages %}{{ m.role }}:{% generation %}{{ m.content }}{% endgeneration %};{% endfor %}",
    );
    let content = "\u{fdd0}a\u{fdd1}\u{e000}";
    let (text, spans) = marked
        .render_with_spans(&[say("x", content), say("y", "")], None)
        .expect("a text");
    assert_eq!(text, format!("x:{content};y:;"));
    assert_eq!(
        spans,
        [2..2 + content.len(), text.len() - 1..text.len() - 1]
    );
    let all: String = ('\u{fdd0}'..='\u{fdef}').collect();
    let refused = marked.render_with_spans(&[say("x", &all)], None);
    assert!(matches!(refused, Err(TemplateError::Render { .. })));
}

#[test]
fn a_block_whose_text_is_changed_later_is_refused() {
    let source = "{% set said %}{% generation %} {{ messages[0].content }} {% endgeneration %}{% endset %}{{ said | trim }}";
    let refused = template(source).render_with_spans(&[say("x", "a")], None);
    let error = refused.expect_err("no span");
    assert!(error.to_string().contains("generation block"), "{error}");
}
