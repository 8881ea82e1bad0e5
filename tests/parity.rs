//! Logits, loss, every gradient, training and generation equal transformers', on any number of ranks.

use tch::Kind;
use tp_models as _;
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
    llama_with_a_head_stored_apart: "llama_apart" on [1, 2],
    llama_stored_in_blocks_of_fp8: "llama_fp8" on [1, 2, 4],
    llama_as_a_classifier: "llama_seqcls" on [1, 2],
    llama_with_biases_and_an_uneven_vocabulary: "llama_bias" on [1, 2, 4],
    llama_stored_in_bf16_and_run_in_f32: "llama_bf16" on [1, 2, 4],
    llama_with_frequencies_that_follow_the_length: "llama_dynamic" on [1, 2, 4],
    qwen2_with_a_sliding_layer: "qwen2" on [1, 2],
    qwen2_with_a_tied_head: "qwen2_tied" on [1, 2, 4],
    qwen2_as_a_classifier: "qwen2_seqcls" on [1, 2],
    qwen3_with_norms_on_queries_and_keys: "qwen3" on [1, 2, 4],
    qwen3_with_uneven_mlps: "qwen3_mlp200" on [1, 3],
    qwen3_as_a_classifier: "qwen3_seqcls" on [1, 2, 4],
    gemma3_with_sliding_and_global_layers: "gemma3_text" on [1, 2],
    gemma3_with_an_older_config: "gemma3_legacy" on [1, 2, 4],
    gemma3_with_images: "gemma3_cond" on [1, 2, 4],
    gemma3_with_images_and_names_of_the_hub: "gemma3_hub" on [1, 2, 4],
    ministral3_with_yarn_and_growing_queries: "ministral3" on [1, 2, 4],
    ministral3_stored_as_fp8_with_a_scale_each: "ministral3_fp8" on [1, 2, 4],
    mistral3_as_older_checkpoints_name_it: "mistral3_hub" on [1, 2],
    mistral3_with_images_of_several_sizes: "mistral3_cond" on [1, 2, 4],
    phi3_with_fused_projections: "phi3" on [1, 2, 4],
    phi3_with_other_frequencies_in_long_texts: "phi3_longrope" on [1, 2, 4],
    phi2_with_norms_on_queries_and_keys: "phi2_qk" on [1, 2],
    phi2_with_parallel_branches: "phi2" on [1, 2, 4],
}

#[test]
fn llama_over_gloo() {
    let parity = Parity::of("fixtures/llama_gqa").backend("gloo");
    parity.degrees([2]).check();
}

#[test]
fn images_over_gloo() {
    for fixture in ["fixtures/gemma3_cond", "fixtures/mistral3_cond"] {
        let parity = Parity::of(fixture).backend("gloo");
        parity.degrees([2]).check();
    }
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
                    let inputs = model.upload(&fixture.inputs(case))?;
                    let logits = model.forward(&inputs, None)?.full()?;
                    let name = format!("{case}/logits_bf16");
                    assert_close(&name, &logits, &fixture.tensor(&name), Tolerance::BF16);
                }
                Ok(())
            },
        );
    }
}
