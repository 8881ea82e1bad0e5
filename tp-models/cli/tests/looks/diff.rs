//! `tp diff` as people run it.

use std::process::Output;

use crate::support::{assert_snapshot, fixture, refused, tp, written};

fn diff(a: &str, b: &str, flags: &str) -> Output {
    let flags: Vec<&str> = flags.split_whitespace().collect();
    tp(&[&["diff", a, b], &flags[..]].concat())
}

/// What a run prints that ends with this code.
fn shown(output: Output, code: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    String::from_utf8(output.stdout).expect("the program prints UTF-8")
}

fn gqa() -> String {
    fixture("llama_gqa")
        .to_str()
        .expect("fixtures have plain names")
        .to_owned()
}

#[test]
fn a_plan_is_equal_to_itself_and_to_its_export() {
    let equal = shown(diff("default", "default", "--model LlamaForCausalLM"), 0);
    assert_eq!(equal, "no row differs\n");
    let all = shown(tp(&["plans", "--json"]), 0);
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    let file = written("diff_export.json", &all["LlamaForCausalLM"].to_string());
    let file = file.to_str().expect("tests have plain names");
    for mode in ["", "--sequence-parallel"] {
        let flags = format!("--model {} --tp 2 {mode}", gqa());
        let text = shown(diff("default", file, &flags), 0);
        assert!(
            text.ends_with("no parameter is placed differently\n"),
            "{text}"
        );
    }
}

/// The text with two spaces between columns, whose width depends on where the tests run.
fn narrow(text: &str) -> String {
    let line = |line: &str| {
        let columns = line.split("  ").map(str::trim);
        let columns: Vec<&str> = columns.filter(|column| !column.is_empty()).collect();
        columns.join("  ") + "\n"
    };
    text.lines().map(line).collect()
}

#[test]
fn rows_costs_and_gradients_stand_side_by_side() {
    let config = fixture("qwen3");
    let config = config.to_str().expect("fixtures have plain names");
    let plan = r#"{
        "layers.*.self_attn.q_proj": "colwise_gather_output",
        "layers.*.self_attn.k_proj": "colwise_gather_output",
        "layers.*.self_attn.v_proj": "colwise_gather_output",
        "layers.*.self_attn.o_proj": "rowwise_split_input",
        "layers.*.mlp.gate_proj": "colwise",
        "layers.*.mlp.up_proj": "colwise",
        "layers.*.mlp.down_proj": "rowwise"
    }"#;
    let file = written("diff_qwen3.json", plan);
    let file = file.to_str().expect("tests have plain names");
    let text = shown(
        diff("default", file, &format!("--model {config} --tp 2")),
        1,
    );
    assert_snapshot(
        "diff_qwen3.txt",
        &narrow(&text.replace(file, "diff_qwen3.json")),
    );
}

#[test]
fn rows_alone_need_no_sizes() {
    let text = shown(diff("default", "fused", "--model Phi3ForCausalLM"), 1);
    assert!(text.contains("Colwise(segments: [q, k, v])"), "{text}");
    assert!(!text.contains("ranks"), "{text}");
}

#[test]
fn layouts_that_do_not_meet_are_an_error() {
    let file = written(
        "diff_half.json",
        r#"{ "model.layers.*.mlp.down_proj": "rowwise" }"#,
    );
    let file = file.to_str().expect("tests have plain names");
    let text = refused(
        diff("default", file, &format!("--model {} --tp 2", gqa())),
        2,
    );
    assert!(
        text.contains("diff_half.json") && text.contains("mlp.down_proj"),
        "{text}"
    );
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_a_reason() {
    for (a, b, flags, reason) in [
        (
            "default",
            "mine",
            "--model LlamaForCausalLM",
            "no plan \"mine\"",
        ),
        ("default", "default", "", "write --model MODEL"),
        (
            "default",
            "default",
            "--model LlamaForCausalLM --tp 2",
            "give --model a folder",
        ),
        (
            "default",
            "no_such.json",
            "--model LlamaForCausalLM",
            "cannot read `no_such.json`",
        ),
        ("default", "default", "--model no/such", "no/such"),
    ] {
        let text = refused(diff(a, b, flags), 2);
        assert!(text.contains(reason), "{text}");
    }
    let file = written("diff_column.json", r#"{ "lm_head": "colwise" }"#);
    let file = file.to_str().expect("tests have plain names");
    let text = refused(
        diff(
            "default",
            file,
            "--model LlamaForCausalLM --sequence-parallel",
        ),
        2,
    );
    assert!(
        text.contains("says nothing of sequence parallelism"),
        "{text}"
    );
}
