//! `tp generate --chat` answers in the words of the checkpoint's chat template.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::generate::model;
use crate::prompts::objects;
use crate::support::{errors, finish, fixture, printed, refused, start, tp};

/// What a message is, in tokens that the trained model reads.
const TEMPLATE: &str = "{{ bos_token }}\
    {% for message in messages %}\
    {% if message.role == 'system' %}{{ message.content }}\n\
    {% elif message.content == 'nonsense' %}{{ raise_exception('no nonsense') }}\
    {% else %}{{ message.content }}{{ eos_token if message.role == 'assistant' }}{% endif %}\
    {% endfor %}";

/// The trained model with a chat template.
fn chat_model(settings: &Value) -> TempDir {
    let dir = model(settings);
    let tokenizer = "tokenizer_config.json";
    let from = fixture("stories260k").join(tokenizer);
    std::fs::copy(from, dir.path().join(tokenizer)).expect("a copy");
    let file = dir.path().join("chat_template.jinja");
    std::fs::write(file, TEMPLATE).expect("a test can write");
    dir
}

fn chat(model: &Path, flags: &str) -> Command {
    tp!["generate --threads 1 --chat --model", model, flags]
}

/// What a conversation of these lines prints.
fn conversation(command: &mut Command, lines: &str) -> Output {
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = streams.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(lines.as_bytes()).expect("it reads");
    drop(stdin);
    finish(child)
}

#[test]
fn an_answer_is_what_follows_the_template() {
    let dir = chat_model(&json!({ "max_new_tokens": 24 }));
    let story = "Once upon a time";
    let continued =
        printed(tp!["generate --threads 1 --model", dir.path()].args(["--prompt", story]));
    let answer = continued
        .strip_prefix(story)
        .expect("the prompt comes first");
    for flags in ["--tp 1", "--tp 2"] {
        for flag in ["--user", "--prompt"] {
            let answered = printed(chat(dir.path(), flags).args([flag, story]));
            assert_eq!(answered, answer, "{flags}");
        }
    }
    let told = printed(chat(dir.path(), "--json --system Lily").args(["--user", story]));
    assert_eq!(objects(&told)[0]["prompt"], "<s>Lily\nOnce upon a time");
}

#[test]
fn special_tokens_are_not_shown() {
    let dir = chat_model(&json!({ "max_new_tokens": 4, "forced_eos_token_id": 2 }));
    let told = printed(chat(dir.path(), "--json").args(["--user", "Once upon a time"]));
    let told = &objects(&told)[0];
    assert_eq!(told["tokens"], 4);
    let text = told["text"].as_str().expect("a text");
    assert!(text.len() > 3 && !text.contains("</s>"), "{text}");
}

/// The answers of transformers' way: each conversation whole, with nothing remembered.
fn answers(model: &Path) -> Vec<Value> {
    let said = |role: &str, text: &str| json!({ "role": role, "content": text });
    let mut messages = Vec::new();
    let mut told = Vec::new();
    for text in ["Once upon a time", "Lily was"] {
        messages.push(said("user", text));
        let file = model.join("prompts.jsonl");
        std::fs::write(&file, json!({ "messages": messages }).to_string()).expect("a file");
        let mut command = tp![
            "generate --threads 1 --json --model",
            model,
            "--prompts",
            file
        ];
        let answer = objects(&printed(&mut command)).remove(0);
        messages.push(said("assistant", answer["text"].as_str().expect("a text")));
        told.push(answer);
    }
    told
}

fn assert_answers(output: &Output, wanted: &[&Value]) {
    assert!(output.status.success(), "{}", errors(output));
    let told = objects(&String::from_utf8_lossy(&output.stdout));
    let texts = |of: &Value| [of["prompt"].clone(), of["text"].clone()];
    let wanted: Vec<_> = wanted.iter().map(|answer| texts(answer)).collect();
    assert_eq!(told.iter().map(texts).collect::<Vec<_>>(), wanted);
}

const LINES: &str =
    "Once upon a time\n\nLily was\nnonsense\n/reset\nOnce upon a time\n/exit\nnever\n";

#[test]
fn lines_are_answered_in_the_light_of_those_before() {
    let dir = chat_model(&json!({ "max_new_tokens": 24 }));
    let answers = answers(dir.path());
    let [first, second] = [&answers[0], &answers[1]];
    assert!(
        second["prompt"]
            .as_str()
            .is_some_and(|text| text.ends_with("</s>Lily was"))
    );
    for flags in ["--json --tp 1", "--json --tp 2"] {
        let output = conversation(&mut chat(dir.path(), flags), LINES);
        assert_answers(&output, &[first, second, first]);
        let said = errors(&output);
        assert_eq!(said.matches("no nonsense").count(), 1, "{said}");
    }
    // Aloud, an answer is a line of its own; the end of stdin ends it, too.
    let output = conversation(&mut chat(dir.path(), ""), "Once upon a time\nLily was");
    let text = |answer: &Value| answer["text"].as_str().expect("a text").to_owned() + "\n";
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(told, text(first) + &text(second));
    assert!(errors(&output).contains("note: 48 new tokens in "));
}

#[test]
fn the_first_process_reads_for_all() {
    let dir = chat_model(&json!({ "max_new_tokens": 24 }));
    let answers = answers(dir.path());
    let lines = dir.path().join("lines");
    std::fs::write(&lines, LINES).expect("a test can write");
    let next = AtomicUsize::new(0);
    let ranks = start(2, || {
        let stdin = match next.fetch_add(1, Ordering::Relaxed) {
            0 => Stdio::from(File::open(&lines).expect("it was written")),
            _ => Stdio::null(),
        };
        let mut command = chat(dir.path(), "--json --tp 2");
        command.stdin(stdin);
        command
    });
    let outputs: Vec<_> = ranks.into_iter().map(finish).collect();
    assert_answers(&outputs[0], &[&answers[0], &answers[1], &answers[0]]);
    assert!(outputs[1].status.success(), "{}", errors(&outputs[1]));
    assert!(outputs[1].stdout.is_empty());
}

#[test]
fn conversations_that_cannot_be() {
    let stories = fixture("stories260k");
    let message = refused(chat(&stories, "--tp 2").args(["--user", "Hello"]), 1);
    assert!(
        message.contains("has no chat template") && message.contains("without --chat needs none"),
        "{message}"
    );
    let dir = chat_model(&json!({}));
    let message = refused(chat(dir.path(), "--tp 2").args(["--user", "nonsense"]), 1);
    assert!(message.contains("no nonsense"), "{message}");
    let file = dir.path().join("prompts.jsonl");
    std::fs::write(
        &file,
        r#"{"messages": [{"role": "user", "content": "Hi"}]}"#,
    )
    .expect("a file");
    let mut system = chat(dir.path(), "--system Lily --prompts");
    let message = refused(system.arg(&file), 1);
    assert!(
        message.contains("line 1: it has `messages`, and --system"),
        "{message}"
    );
    let mut command = chat(dir.path(), "--tp 2");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(b"\xff\xfe\n").expect("it reads");
    drop(stdin);
    let message = errors(&finish(child));
    assert!(message.contains("cannot read stdin"), "{message}");
}
