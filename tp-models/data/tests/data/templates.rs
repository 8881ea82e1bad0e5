//! Templates render as transformers' own.

use tp_data::TemplateError;

use crate::cases::{Cases, Conversation, Marked, Rendered};

#[test]
fn every_conversation_reads_as_in_transformers() {
    let cases = Cases::read();
    let mut different = Vec::new();
    for (name, renders) in &cases.renders {
        let template = cases.template(name);
        for (conversation, expected) in renders {
            let Conversation { messages, tools } = &cases.conversations[conversation];
            for (expected, prompt) in expected.iter().zip([false, true]) {
                let found = match template.render(messages, tools.as_deref(), prompt) {
                    Ok(text) => Rendered::Text(text),
                    Err(TemplateError::Refused { message }) => Rendered::Refused(message),
                    Err(_) => Rendered::Fails(true),
                };
                if found != *expected {
                    different.push(format!(
                        "{name}, {conversation}: {found:?}, not {expected:?}"
                    ));
                }
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn generation_blocks_are_the_spans_of_transformers() {
    let cases = Cases::read();
    let template = cases.template("marked");
    for (name, Marked { spans, .. }) in &cases.marked {
        let Conversation { messages, tools } = &cases.conversations[name];
        let (text, found) = template
            .render_with_spans(messages, tools.as_deref())
            .expect("a text");
        let characters = |bytes: usize| text[..bytes].chars().count();
        let found: Vec<_> = found
            .iter()
            .map(|span| [characters(span.start), characters(span.end)])
            .collect();
        assert_eq!(found, *spans, "{name}");
    }
}
