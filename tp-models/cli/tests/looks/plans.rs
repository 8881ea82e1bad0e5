//! `tp plans` as people run it.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{assert_snapshot, fixture, printed, refused, tp};

#[test]
fn the_registry_in_the_format_of_python_tables() {
    let text = printed(tp(&["plans"]));
    assert!(
        text.contains("LlamaForCausalLM") && text.contains("src/llama.rs:"),
        "{text}"
    );
    let plans: Value = serde_json::from_str(&printed(tp(&["plans", "--json"]))).expect("JSON");
    let automodel = std::fs::read_to_string(fixture("automodel_plans.json")).expect("a fixture");
    let automodel: Value = serde_json::from_str(&automodel).expect("JSON");
    let known = &automodel["transformers.models.llama.modeling_llama.LlamaForCausalLM"];
    for mode in ["tp", "sp"] {
        assert_eq!(plans["LlamaForCausalLM"][mode], known[mode], "{mode}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tp"));
    command
        .args(["plans", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success() && output.stderr.is_empty());
}

#[test]
fn a_plan_as_a_python_file_is_what_it_was() {
    let llama = printed(tp(&["plans", "--python", "LlamaForCausalLM"]));
    assert_snapshot("python_llama.py", &llama);
    let gemma = fixture("gemma3_text");
    let gemma = gemma.to_str().expect("fixtures have plain names");
    let flags = ["plans", "--python", gemma, "--sequence-parallel"];
    assert_snapshot("python_gemma3_sequence_parallel.py", &printed(tp(&flags)));
}

#[test]
fn what_pytorch_has_no_style_for_is_refused() {
    let text = refused(
        tp(&["plans", "--python", "Phi3ForCausalLM", "--plan", "fused"]),
        2,
    );
    for part in [
        "`PHI3_FUSED`",
        "qkv_proj\" is `Colwise(segments: [q, k, v])`",
        "gate_up_proj\" is",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let text = refused(tp(&["plans", "--python", "LlamaForCasualLM"]), 2);
    assert!(text.contains("did you mean `LlamaForCausalLM`?"), "{text}");
    refused(tp(&["plans", "--sequence-parallel"]), 2);
}
