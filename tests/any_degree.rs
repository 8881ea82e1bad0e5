//! Any number of ranks: heads that do not divide, heads that ranks share, ranks without a head. Every
//! number is the unsharded model's.

use tp_models as _;
use tp_runtime::testing::Parity;

macro_rules! parity {
    ($($test:ident: $fixture:literal on $degrees:expr,)*) => {
        $(#[test] fn $test() { Parity::of(concat!("fixtures/", $fixture)).degrees($degrees).check(); })*
    };
}

parity! {
    six_heads: "phi2_heads6" on [1, 3, 4, 5],
    ten_heads_in_five_groups: "ministral3_heads10" on [1, 3, 4, 7],
    fourteen_heads_that_read_two: "qwen2_heads14" on [1, 3, 4, 8],
    two_ranks_without_a_head: "qwen2_heads14" on [16],
    twenty_eight_heads_that_read_four: "qwen3_heads28" on [1, 3, 8],
    three_heads_that_read_one: "gemma3_heads3" on [1, 2, 3, 5],
    four_heads_on_eight_ranks: "llama_gqa" on [3, 8],
    two_heads_on_four_ranks_with_a_tied_head: "llama_tied" on [3, 4],
    an_uneven_vocabulary: "llama_bias" on [3],
    biases_are_shared_with_their_heads: "qwen2" on [3, 4, 8],
    padding_on_three_ranks: "qwen2_tied" on [3],
    norms_on_shared_keys: "qwen3" on [3, 8],
    a_classifier_with_shared_heads: "qwen3_seqcls" on [3, 8],
    a_llama_classifier_with_shared_heads: "llama_seqcls" on [3, 4],
    a_qwen2_classifier_with_shared_heads: "qwen2_seqcls" on [3, 8],
    heads_stored_in_blocks_of_fp8: "llama_fp8" on [3, 8],
    windows_on_shared_heads: "gemma3_text" on [3, 4, 8],
    an_older_config_on_three_ranks: "gemma3_legacy" on [3],
    images_and_shared_heads: "gemma3_cond" on [3, 8],
    growing_queries_on_shared_keys: "ministral3" on [3, 8],
    images_of_several_sizes_and_shared_heads: "mistral3_hub" on [3, 4, 8],
    images_on_three_ranks: "mistral3_cond" on [3],
    chunks_of_fused_projections: "phi3" on [3],
    layer_norms_on_shared_keys: "phi2_qk" on [3, 4, 8],
    parallel_branches_on_three_ranks: "phi2" on [3],
}

#[test]
fn uneven_heads_over_gloo() {
    let parity = Parity::of("fixtures/qwen2_heads14").backend("gloo");
    parity.degrees([4]).check();
}
