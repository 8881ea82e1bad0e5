//! More ranks than key-value heads: neighbouring ranks hold one together, and every number is the unsharded model's.

use tp_models::llama::LLAMA_SHARED_KV;
use tp_runtime::comm::BackendKind;
use tp_runtime::testing::Parity;

fn shared(fixture: &str) -> Parity {
    Parity::of(fixture).plan(&LLAMA_SHARED_KV)
}

#[test]
fn four_heads_on_eight_ranks_and_on_fewer() {
    shared("fixtures/llama_gqa").degrees([2, 4, 8]).check();
}

#[test]
fn two_heads_on_four_ranks_with_a_tied_head() {
    shared("fixtures/llama_tied").degrees([4]).check();
}

#[test]
fn over_gloo() {
    let over_gloo = shared("fixtures/llama_tied").backend(BackendKind::Gloo);
    over_gloo.degrees([4]).check();
}
