//! Any legal plan gives the unsharded model's numbers: logits, loss, every gradient, tokens.

use tch::Kind;
use tp_runtime::plan::Plan;
use tp_tests::fixture::Fixture;
use tp_tests::parity::{Setting, check_case, check_generation, on_ranks, settings};
use tp_tests::plans::*;

fn check(plan: &'static Plan) {
    for setting in settings(&[1, 2, 4]) {
        if !plan.supports(setting.mode) {
            continue;
        }
        let setting = Setting {
            plan: Some(plan),
            ..setting
        };
        // Biases everywhere, and a vocabulary that does not divide.
        let dir = Fixture::open("llama_bias").dir;
        on_ranks(&dir, setting, Kind::Float, |model| {
            let fixture = Fixture::open("llama_bias");
            for case in ["even", "odd", "masked"] {
                check_case(model, &fixture, case)?;
            }
            check_generation(model, &fixture, "prompt3")
        });
    }
}

macro_rules! checks {
    ($($name:ident: $plan:ident,)*) => {
        $(#[test] fn $name() { check(&$plan); })*
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
