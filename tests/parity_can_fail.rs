//! The comparison with transformers sees every kind of difference, and names it.

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;

use tch::Tensor;
use tp_models as _;
use tp_runtime::testing::Parity;
use tp_tests::fixture;

const FIXTURE: &str = "llama_tied";

/// What the comparison says once `edit` has been at the reference tensors.
fn said(edit: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> String {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let copy = |from: &Path| {
        let name = from.file_name().expect("a file has a name");
        std::fs::copy(from, dir.path().join(name)).expect("a test can write");
    };
    let from = fixture(FIXTURE).dir;
    for file in ["config.json", "model.safetensors", "reference.json"] {
        copy(&from.join(file));
    }
    let read = Tensor::read_safetensors(from.join("reference.safetensors"));
    let mut tensors = read.expect("a fixture").into_iter().collect();
    edit(&mut tensors);
    let tensors: Vec<_> = tensors.into_iter().collect();
    Tensor::write_safetensors(&tensors, dir.path().join("reference.safetensors"))
        .expect("a test can write");
    let run = catch_unwind(|| Parity::of(dir.path()).check());
    let panic = run.expect_err("the comparison passes");
    let text = panic.downcast_ref::<String>();
    text.expect("a panic with a message").clone()
}

#[test]
fn one_element_of_any_tensor() {
    for name in [
        "odd/logits",
        "masked/loss",
        "padded/grad_norm",
        "even/grad.model.layers.1.self_attn.k_proj.weight",
        "train/losses",
        "train/param.model.norm.weight",
        "prompt3/generated",
    ] {
        let message = said(|tensors| {
            let last = tensors[name].reshape([-1]).get(-1);
            last.shallow_clone().copy_(&(last + 1));
        });
        assert!(message.contains(name), "{name}: {message}");
    }
}

#[test]
fn a_gradient_that_is_missing_and_one_too_many() {
    let name = "odd/grad.model.norm.weight";
    let message = said(|tensors| {
        let gradient = tensors.remove(name).expect("a gradient");
        tensors.insert("odd/grad.model.norm.bias".to_owned(), gradient);
    });
    assert!(message.contains(&format!("{name}: element")), "{message}");
    assert!(
        message.contains("model.norm.bias: the model has no such parameter"),
        "{message}"
    );
}

#[test]
fn a_fixture_without_cases() {
    let message = said(|tensors| tensors.retain(|name, _| name.starts_with("train/")));
    assert!(message.contains("no case"), "{message}");
}
