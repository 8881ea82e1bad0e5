//! Plans with names of their own: more ranks than key-value heads, fused layers split by segments, and
//! sequence parallelism where the default plan has none. Every number is the unsharded model's.

use tp_models::gemma3::GEMMA3_SHARED_KV;
use tp_models::gemma3_conditional::GEMMA3_CONDITIONAL_SHARED_KV;
use tp_models::llama::LLAMA_SHARED_KV;
use tp_models::ministral3::MINISTRAL3_SHARED_KV;
use tp_models::mistral3::{MISTRAL3_SEQUENCE_PARALLEL, MISTRAL3_SHARED_KV};
use tp_models::phi::PHI_SHARED_KV;
use tp_models::phi3::PHI3_FUSED;
use tp_models::qwen2::QWEN2_SHARED_KV;
use tp_models::qwen3::QWEN3_SHARED_KV;
use tp_models::qwen3_classifier::QWEN3_CLASSIFIER_SHARED_KV;
use tp_runtime::testing::Parity;

macro_rules! parity {
    ($($test:ident: $plan:ident of $fixture:literal on $degrees:expr,)*) => {
        $(#[test] fn $test() {
            Parity::of(concat!("fixtures/", $fixture)).plan(&$plan).degrees($degrees).check();
        })*
    };
}

parity! {
    four_heads_on_eight_ranks_and_on_fewer: LLAMA_SHARED_KV of "llama_gqa" on [2, 4, 8],
    two_heads_on_four_ranks_with_a_tied_head: LLAMA_SHARED_KV of "llama_tied" on [4],
    biases_are_shared_with_their_heads: QWEN2_SHARED_KV of "qwen2" on [4, 8],
    norms_on_shared_keys: QWEN3_SHARED_KV of "qwen3" on [8],
    a_classifier_with_shared_heads: QWEN3_CLASSIFIER_SHARED_KV of "qwen3_seqcls" on [8],
    windows_on_shared_heads: GEMMA3_SHARED_KV of "gemma3_text" on [4, 8],
    images_and_shared_heads: GEMMA3_CONDITIONAL_SHARED_KV of "gemma3_cond" on [8],
    growing_queries_on_shared_keys: MINISTRAL3_SHARED_KV of "ministral3" on [8],
    images_in_shares_of_the_text: MISTRAL3_SEQUENCE_PARALLEL of "mistral3_cond" on [1, 2, 4],
    images_in_shares_of_the_text_by_older_names: MISTRAL3_SEQUENCE_PARALLEL of "mistral3_hub" on [2],
    images_of_several_sizes_and_shared_heads: MISTRAL3_SHARED_KV of "mistral3_hub" on [4, 8],
    layer_norms_on_shared_keys: PHI_SHARED_KV of "phi2_qk" on [4, 8],
    fused_projections_by_segments: PHI3_FUSED of "phi3" on [1, 2, 4, 8],
    fused_projections_and_long_texts: PHI3_FUSED of "phi3_longrope" on [1, 2, 4],
}

#[test]
fn shared_heads_over_gloo() {
    let parity = Parity::of("fixtures/llama_tied").plan(&LLAMA_SHARED_KV);
    parity.backend("gloo").degrees([4]).check();
}
