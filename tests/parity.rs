//! Logits, loss, every gradient, training and generation equal transformers', on any number of ranks.

use tch::Kind;
use tp_models as _;
use tp_runtime::comm::BackendKind;
use tp_runtime::testing::{Parity, Tolerance, assert_close, on_ranks, settings};
use tp_tests::fixture;

macro_rules! parity {
    ($($test:ident: $fixture:literal on $degrees:expr,)*) => {
        $(#[test] fn $test() { Parity::of(concat!("fixtures/", $fixture)).degrees($degrees).check(); })*
    };
}

parity! {
    llama_with_grouped_heads_and_scaled_rope: "llama_gqa" on [1, 2, 4],
    llama_with_a_tied_head: "llama_tied" on [1, 2],
    llama_with_biases_and_an_uneven_vocabulary: "llama_bias" on [1, 2, 4],
    llama_stored_in_bf16_and_run_in_f32: "llama_bf16" on [1, 2, 4],
    qwen2_with_a_sliding_layer: "qwen2" on [1, 2],
    qwen2_with_a_tied_head: "qwen2_tied" on [1, 2, 4],
    qwen3_with_norms_on_queries_and_keys: "qwen3" on [1, 2, 4],
    qwen3_with_uneven_mlps: "qwen3_mlp200" on [1, 3],
}

#[test]
fn llama_over_gloo() {
    let parity = Parity::of("fixtures/llama_gqa").backend(BackendKind::Gloo);
    parity.degrees([2]).check();
}

#[test]
fn llama_run_in_bf16() {
    for setting in settings(&[1, 2, 4]) {
        on_ranks(
            &fixture("llama_bf16").dir,
            setting,
            Kind::BFloat16,
            |model| {
                let fixture = fixture("llama_bf16");
                for case in ["even", "odd"] {
                    let logits = model.forward(&fixture.inputs(case), None)?.full()?;
                    let name = format!("{case}/logits_bf16");
                    assert_close(&name, &logits, &fixture.tensor(&name), Tolerance::BF16);
                }
                Ok(())
            },
        );
    }
}
