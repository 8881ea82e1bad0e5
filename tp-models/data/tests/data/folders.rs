//! The template and its tokens are found where checkpoints have them.

use std::fs;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tp_data::{ChatTemplate, TemplateError};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().expect("a folder");
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    dir
}

fn rendered(files: &[(&str, &str)], tools: Option<&[Json]>) -> String {
    let template = ChatTemplate::of_folder(folder(files).path()).expect("a template");
    let messages = [json!({"role": "user", "content": "a"})];
    template.render(&messages, tools, false).expect("a text")
}

const CONFIG: &str = "tokenizer_config.json";

#[test]
fn the_file_wins_over_the_config() {
    let config = json!({"chat_template": "config", "bos_token": "<s>", "eos_token": {"content": "</s>"}, "pad_token": null});
    let config = config.to_string();
    assert_eq!(rendered(&[(CONFIG, &config)], None), "config");
    let source = "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}";
    let files = [(CONFIG, config.as_str()), ("chat_template.jinja", source)];
    assert_eq!(rendered(&files, None), "<s></s>False");
}

#[test]
fn a_template_for_tools_is_taken_where_there_are_tools() {
    let list = json!({"chat_template": [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "none"}]});
    let list = list.to_string();
    let files = [
        "chat_template.jinja",
        "additional_chat_templates/tool_use.jinja",
    ];
    for files in [
        vec![(CONFIG, list.as_str())],
        vec![(files[0], "none"), (files[1], "tools")],
    ] {
        assert_eq!(rendered(&files, None), "none");
        assert_eq!(rendered(&files, Some(&[])), "tools");
    }
}

#[test]
fn tokens_of_older_checkpoints_stand_in_a_file_of_their_own() {
    let map = "{\"bos_token\": {\"content\": \"<b>\"}, \"eos_token\": \"<e>\"}";
    let source = ("chat_template.jinja", "{{ bos_token }}{{ eos_token }}");
    let files = [
        source,
        ("special_tokens_map.json", map),
        (CONFIG, "{\"bos_token\": \"<s>\"}"),
    ];
    assert_eq!(rendered(&files, None), "<b><e>");
    let newer = "{\"bos_token\": \"<s>\", \"added_tokens_decoder\": {}}";
    let files = [source, ("special_tokens_map.json", map), (CONFIG, newer)];
    assert_eq!(rendered(&files, None), "<s>");
}

#[test]
fn what_is_missing_or_broken_is_named() {
    let fault = |files: &[(&str, &str)]| {
        let opened = ChatTemplate::of_folder(folder(files).path());
        opened.expect_err("no template")
    };
    assert!(matches!(fault(&[]), TemplateError::Missing { .. }));
    let only_tools = "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"a\"}]}";
    assert!(matches!(
        fault(&[(CONFIG, only_tools)]),
        TemplateError::Missing { .. }
    ));
    assert!(matches!(
        fault(&[(CONFIG, "{")]),
        TemplateError::File { .. }
    ));
    let error = fault(&[("chat_template.jinja", "a\n{% if %}")]);
    assert!(matches!(error, TemplateError::Syntax { .. }));
    assert!(error.to_string().contains("default:2"), "{error}");
}

#[test]
fn the_date_is_that_of_the_day() {
    let template = |source| ChatTemplate::new(source, Default::default()).expect("Jinja");
    let messages = [json!({"role": "user", "content": "a"})];
    let year = template("{{ strftime_now('%Y') }}").render(&messages, None, false);
    assert!(year.expect("a year").parse::<u32>().expect("a number") >= 2026);
    let error = template("{{ strftime_now('%!') }}").render(&messages, None, false);
    let error = error.expect_err("no such format").to_string();
    assert!(error.contains("`%!`"), "{error}");
}
