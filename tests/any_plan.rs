//! Any legal plan gives the unsharded model's numbers: logits, loss, every gradient, steps, tokens.

use tp_runtime::testing::Parity;
use tp_tests::plans::*;

macro_rules! checks {
    ($($name:ident: $plan:ident,)*) => {
        // Biases everywhere, and a vocabulary that does not divide.
        $(#[test] fn $name() {
            Parity::of("fixtures/llama_bias").plan(&$plan).degrees([1, 2, 4]).check();
        })*
    };
}

checks! {
    only_the_mlp: MLP,
    only_attention: ATTENTION,
    columns_gathered_at_once: COLUMNS,
    rows_of_whole_activations: ROWS,
    columns_gathered_for_rows: GATHERED,
    norms_without_a_row: BARE_NORMS,
    one_layer_of_two: ONE_LAYER,
    only_the_head: HEAD,
}
