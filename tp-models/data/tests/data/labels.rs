//! Rows become the tokens and labels of transformers.

use serde_json::json;
use tp_data::{Encoded, Encoder, IGNORED_LABEL, LabelsOn, Row, RowError, Sample, TooLong};

use crate::cases::Cases;

fn sample(encoder: &Encoder, row: &Row) -> Sample {
    match encoder.encode(row) {
        Ok(Encoded::Sample { sample, .. }) => sample,
        other => panic!("{row:?} became {other:?}"),
    }
}

#[test]
fn answers_of_chats_have_labels() {
    let cases = Cases::read();
    let encoder = cases.encoder("marked");
    let mut unlabelled = 0;
    for (name, expected) in &cases.marked {
        match encoder.encode(&cases.chat(name)).expect("an encoding") {
            Encoded::Sample { sample, .. } => {
                assert_eq!(sample.ids, expected.ids, "{name}");
                assert_eq!(sample.labels, expected.labels, "{name}");
            }
            other => {
                assert_eq!(other, Encoded::Unlabelled, "{name}");
                assert!(expected.labels.iter().all(|&label| label == IGNORED_LABEL));
                unlabelled += 1;
            }
        }
    }
    assert!(unlabelled > 0 && unlabelled < cases.marked.len());
}

#[test]
fn completions_have_labels_and_an_end() {
    let cases = Cases::read();
    let encoder = cases.encoder("marked");
    for (name, expected) in &cases.completions {
        let row = Row::Completion {
            prompt: expected.prompt.clone(),
            completion: expected.completion.clone(),
        };
        let sample = sample(&encoder, &row);
        assert_eq!(sample.ids, expected.ids, "{name}");
        assert_eq!(sample.labels, expected.labels, "{name}");
    }
}

#[test]
fn a_text_has_a_beginning_and_one_end() {
    let cases = Cases::read();
    let encoder = cases.encoder("marked");
    let text = |text: &str| Row::Text { text: text.into() };
    let (open, ended) = (
        sample(&encoder, &text("Be brief.")),
        sample(&encoder, &text("Be brief.</s>")),
    );
    assert_eq!(open, ended);
    let (bos, eos) = (0, i64::from(encoder.eos_token));
    assert_eq!(
        (open.ids.first(), open.ids.last()),
        (Some(&bos), Some(&eos))
    );
    assert_eq!(open.labels[1..], open.ids[1..]);
}

/// The text of the tokens with labels.
fn learned(encoder: &Encoder, row: &Row) -> String {
    let labels = sample(encoder, row).labels.into_iter();
    let labels = labels.filter(|&label| label != IGNORED_LABEL);
    let ids: Vec<u32> = labels.map(|label| label as u32).collect();
    encoder.tokenizer.decode(&ids, false).expect("a text")
}

#[test]
fn answers_are_found_without_generation_blocks() {
    let cases = Cases::read();
    for (template, conversation, expected) in [
        (
            "qwen25",
            "turns",
            "Hello!<|im_end|>\nNow we part.<|im_end|>\n",
        ),
        (
            "qwen25",
            "tools",
            "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"town\": \"Zürich <1>\", \"days\": [1, 2], \"scale\": 1e-07}}\n</tool_call><|im_end|>\nGrey.<|im_end|>\n",
        ),
        (
            "gemma3",
            "turns",
            "Hello!<end_of_turn>\nNow we part.<end_of_turn>\n",
        ),
        ("llama3", "turns", "Hello!<|eot_id|>Now we part.<|eot_id|>"),
        ("mistral", "answered", " It is 4.</s>"),
    ] {
        let encoder = cases.encoder(template);
        let found = learned(&encoder, &cases.chat(conversation));
        assert_eq!(found, expected, "{template}, {conversation}");
    }
}

#[test]
fn a_prompt_of_messages_is_completed_by_messages() {
    let cases = Cases::read();
    let encoder = cases.encoder("qwen25");
    let row = Row::Exchange {
        prompt: vec![
            json!({"role": "user", "content": "a"}),
            json!({"role": "assistant", "content": "b"}),
            json!({"role": "user", "content": "c"}),
        ],
        completion: vec![json!({"role": "assistant", "content": "d"})],
        tools: None,
    };
    assert_eq!(learned(&encoder, &row), "d<|im_end|>\n");
}

#[test]
fn labels_on_everything_leave_out_nothing() {
    let cases = Cases::read();
    // Whose earlier turns change when later ones come.
    let mut encoder = cases.encoder("qwen3");
    let row = cases.chat("thoughts");
    let error = encoder.encode(&row).expect_err("no spans");
    assert!(
        error.to_string().contains("labels on everything"),
        "{error}"
    );
    encoder.labels_on = LabelsOn::Everything;
    let Sample { ids, labels } = sample(&encoder, &row);
    assert_eq!(ids, labels);
}

#[test]
fn long_rows_are_cut_or_left_out() {
    let cases = Cases::read();
    let mut encoder = cases.encoder("marked");
    let row = cases.chat("turns");
    let whole = sample(&encoder, &row);
    encoder.length = whole.ids.len() - 1;
    let Ok(Encoded::Sample { sample, is_cut }) = encoder.encode(&row) else {
        panic!("no sample");
    };
    assert!(is_cut);
    assert_eq!(sample.ids, whole.ids[..encoder.length]);
    assert_eq!(sample.labels, whole.labels[..encoder.length]);
    encoder.too_long = TooLong::Drop;
    assert_eq!(encoder.encode(&row).expect("an outcome"), Encoded::TooLong);
    encoder.length += 1;
    assert!(matches!(
        encoder.encode(&row),
        Ok(Encoded::Sample { is_cut: false, .. })
    ));
    // No answer begins within the first tokens.
    encoder.length = 8;
    encoder.too_long = TooLong::Cut;
    assert_eq!(
        encoder.encode(&row).expect("an outcome"),
        Encoded::Unlabelled
    );
}

#[test]
fn a_chat_needs_a_template() {
    let cases = Cases::read();
    let mut encoder = cases.encoder("marked");
    encoder.template = None;
    let error = encoder
        .encode(&cases.chat("turns"))
        .expect_err("no template");
    assert!(matches!(error, RowError::NoTemplate));
}
