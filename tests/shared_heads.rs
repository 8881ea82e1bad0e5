//! More ranks than key-value heads: neighbouring ranks hold one together, and every number is the unsharded model's.

use tch::Kind;
use tp_models::llama::LLAMA_SHARED_KV;
use tp_runtime::Mode;
use tp_runtime::comm::BackendKind;
use tp_tests::fixture::Fixture;
use tp_tests::parity::{Setting, check_case, check_generation, check_training, on_ranks, settings};

fn check(name: &str, degrees: &[usize]) {
    for setting in settings(degrees) {
        let setting = Setting {
            plan: Some(&LLAMA_SHARED_KV),
            ..setting
        };
        let dir = Fixture::open(name).dir;
        on_ranks(&dir, setting, Kind::Float, |model| {
            let fixture = Fixture::open(name);
            for case in ["even", "odd", "masked"] {
                check_case(model, &fixture, case)?;
            }
            check_generation(model, &fixture, "prompt3")?;
            check_training(model, &fixture)
        });
    }
}

#[test]
fn four_heads_on_eight_ranks_and_on_fewer() {
    check("llama_gqa", &[2, 4, 8]);
}

#[test]
fn two_heads_on_four_ranks_with_a_tied_head() {
    check("llama_tied", &[4]);
}

#[test]
fn biases_are_shared_with_their_heads() {
    check("llama_bias", &[8]);
}

#[test]
fn over_gloo() {
    let setting = Setting {
        degree: 4,
        mode: Mode::SequenceParallel,
        backend: BackendKind::Gloo,
        plan: Some(&LLAMA_SHARED_KV),
    };
    let dir = Fixture::open("llama_tied").dir;
    on_ranks(&dir, setting, Kind::Float, |model| {
        check_case(model, &Fixture::open("llama_tied"), "odd")
    });
}
