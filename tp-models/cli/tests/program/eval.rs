//! `tp eval` gives what transformers gives.

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Kind, Tensor};

use crate::support::{assert_close, errors, fixture, printed, tensors, tp, write};

/// Writes a case of a fixture as a batch.
pub(crate) fn write_batch(model: &str, case: &str, names: &[&str], file: &Path) {
    let reference = tensors(&fixture(model).join("reference.safetensors"));
    let batch: Vec<_> = names
        .iter()
        .map(|&name| (name, &reference[&format!("{case}/{name}")]))
        .collect();
    write(file, &batch);
}

/// Holds a case's output to the fixture, name for name.
pub(crate) fn assert_case(model: &str, case: &str, outputs: &BTreeMap<String, Tensor>) {
    let reference = tensors(&fixture(model).join("reference.safetensors"));
    let wanted: BTreeMap<_, _> = reference
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(case)?.strip_prefix('/')?, tensor)))
        .filter(|(name, _)| ["logits", "loss"].contains(name) || name.starts_with("grad."))
        .collect();
    assert!(outputs.keys().eq(wanted.keys()), "{:?}", outputs.keys());
    for (name, wanted) in wanted {
        assert_eq!(outputs[name].kind(), Kind::Float, "{name}");
        assert_close(name, &outputs[name], wanted);
    }
}

fn check(model: &str, case: &str, flags: &str) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (inputs, outputs) = (dir.path().join("in"), dir.path().join("out"));
    write_batch(model, case, &["input_ids", "labels"], &inputs);
    printed(&mut tp![
        "eval --threads 1 --model",
        fixture(model),
        "--inputs",
        inputs,
        "--outputs",
        outputs,
        flags
    ]);
    assert_case(model, case, &tensors(&outputs));
}

#[test]
fn logits_loss_and_every_gradient_are_those_of_transformers() {
    for flags in [
        "--grads",
        "--grads --tp 2",
        "--grads --tp 2 --sequence-parallel",
    ] {
        check("llama_gqa", "even", flags);
        check("llama_bias", "even", flags);
        check("llama_tied", "even", flags);
    }
    check("llama_gqa", "even", "--grads --tp 4 --sequence-parallel");
    check("llama_bf16", "even", "--grads --tp 2 --backend gloo");
}

#[test]
fn a_sequence_that_does_not_divide() {
    for flags in ["--tp 1", "--tp 2", "--tp 4 --sequence-parallel"] {
        check("llama_bias", "odd", &format!("{flags} --grads"));
    }
}

#[test]
fn what_a_checkpoint_holds_otherwise_is_told_once() {
    let told = "note: `model.embed_tokens.weight` and `lm_head.weight` are tied by the config and stored with different values";
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (inputs, outputs) = (dir.path().join("in"), dir.path().join("out"));
    write(
        &inputs,
        &[(
            "input_ids",
            &Tensor::from_slice(&[1_i64, 2, 3]).view([1, 3]),
        )],
    );
    let mut eval = tp![
        "eval --threads 1 --tp 2 --model",
        fixture("llama_apart"),
        "--inputs",
        inputs,
        "--outputs",
        outputs
    ];
    let errors = errors(&eval.output().expect("the program starts"));
    assert_eq!(errors.matches(told).count(), 1, "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn a_classifier_scores_whole_texts() {
    for flags in ["--tp 1", "--tp 2 --sequence-parallel", "--tp 4"] {
        check("qwen3_seqcls", "even", &format!("{flags} --grads"));
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (inputs, outputs) = (dir.path().join("in"), dir.path().join("out"));
    write_batch(
        "qwen3_seqcls",
        "padded",
        &["input_ids", "attention_mask"],
        &inputs,
    );
    printed(&mut tp![
        "eval --threads 1 --tp 2 --model",
        fixture("qwen3_seqcls"),
        "--inputs",
        inputs,
        "--outputs",
        outputs,
    ]);
    let outputs = tensors(&outputs);
    assert!(outputs.keys().eq(["logits"]));
    let reference = tensors(&fixture("qwen3_seqcls").join("reference.safetensors"));
    assert_close("logits", &outputs["logits"], &reference["padded/logits"]);
}

#[test]
fn generated_tokens_are_those_of_transformers() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (inputs, outputs) = (dir.path().join("in"), dir.path().join("out"));
    for flags in ["--tp 1", "--tp 2", "--tp 4", "--tp 2 --sequence-parallel"] {
        for (prompt, new) in [("prompt1", 16), ("prompt3", 16)] {
            write_batch("llama_gqa", prompt, &["input_ids"], &inputs);
            printed(&mut tp![
                format!("eval --threads 1 --generate {new} {flags} --model"),
                fixture("llama_gqa"),
                "--inputs",
                inputs,
                "--outputs",
                outputs,
            ]);
            let outputs = tensors(&outputs);
            assert!(outputs.keys().eq(["generated", "logits", "loss"]));
            let reference = tensors(&fixture("llama_gqa").join("reference.safetensors"));
            let wanted = &reference[&format!("{prompt}/generated")];
            assert_eq!(&outputs["generated"], wanted, "{prompt}, {flags}");
        }
    }
}

#[test]
fn a_mask_hides_padding_and_labels_default_to_the_inputs() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (inputs, outputs) = (dir.path().join("in"), dir.path().join("out"));
    let reference = tensors(&fixture("llama_gqa").join("reference.safetensors"));
    let ids = &reference["odd/input_ids"];
    let padding = ids.zeros_like().narrow(1, 0, 3);
    let padded = Tensor::cat(&[&padding, ids], 1);
    let mask = Tensor::cat(&[&padding, &ids.ones_like()], 1);
    write(
        &inputs,
        &[("input_ids", &padded), ("attention_mask", &mask)],
    );
    let eval = || {
        printed(&mut tp![
            "eval --threads 1 --tp 2 --model",
            fixture("llama_gqa"),
            "--inputs",
            inputs,
            "--outputs",
            outputs,
        ]);
        tensors(&outputs)
    };
    assert_close(
        "logits",
        &eval()["logits"].narrow(1, 3, 7),
        &reference["odd/logits"],
    );
    write(&inputs, &[("input_ids", ids)]);
    let by_default = eval();
    write(&inputs, &[("input_ids", ids), ("labels", ids)]);
    assert_close("loss", &by_default["loss"], &eval()["loss"]);
}

#[test]
fn bf16_is_near() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (inputs, outputs) = (dir.path().join("in"), dir.path().join("out"));
    write_batch("llama_bf16", "even", &["input_ids", "labels"], &inputs);
    printed(&mut tp![
        "eval --threads 1 --tp 2 --dtype bf16 --model",
        fixture("llama_bf16"),
        "--inputs",
        inputs,
        "--outputs",
        outputs,
    ]);
    let reference = tensors(&fixture("llama_bf16").join("reference.safetensors"));
    let (found, wanted) = (&tensors(&outputs)["logits"], &reference["even/logits"]);
    assert_eq!(found.kind(), Kind::Float);
    let worst = (found - wanted).abs().max().double_value(&[]);
    let scale = wanted.abs().max().double_value(&[]);
    assert!(
        0.0 < worst && worst < 0.03 * scale,
        "off by {worst} of {scale}"
    );
}
