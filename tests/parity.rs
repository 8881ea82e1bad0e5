//! Logits, loss, every gradient, training and generation equal transformers', on any number of ranks.

use tch::Kind;
use tp_models as _;
use tp_runtime::Mode;
use tp_runtime::comm::BackendKind;
use tp_runtime::model::Inputs;
use tp_tests::compare::{Tolerance, assert_close};
use tp_tests::fixture::Fixture;
use tp_tests::parity::{Setting, check_case, check_generation, check_training, on_ranks, settings};

fn check_all(name: &str, degrees: &[usize]) {
    for setting in settings(degrees) {
        let dir = Fixture::open(name).dir;
        on_ranks(&dir, setting, Kind::Float, |model| {
            let fixture = Fixture::open(name);
            for case in ["even", "odd", "masked"] {
                check_case(model, &fixture, case)?;
            }
            for prompt in ["prompt1", "prompt3"] {
                check_generation(model, &fixture, prompt)?;
            }
            check_training(model, &fixture)
        });
    }
}

#[test]
fn llama_with_grouped_heads_and_scaled_rope() {
    check_all("llama_gqa", &[1, 2, 4]);
}

#[test]
fn llama_with_a_tied_head() {
    check_all("llama_tied", &[1, 2]);
}

#[test]
fn llama_with_biases_and_an_uneven_vocabulary() {
    check_all("llama_bias", &[1, 2, 4]);
}

#[test]
fn llama_stored_in_bf16_and_run_in_f32() {
    check_all("llama_bf16", &[1, 2, 4]);
}

#[test]
fn llama_run_in_bf16() {
    for setting in settings(&[1, 2, 4]) {
        let dir = Fixture::open("llama_bf16").dir;
        on_ranks(&dir, setting, Kind::BFloat16, |model| {
            let fixture = Fixture::open("llama_bf16");
            for case in ["even", "odd"] {
                let inputs = Inputs::new(fixture.tensor(&format!("{case}/input_ids")));
                let logits = model.forward(&inputs, None)?.full()?;
                let name = format!("{case}/logits_bf16");
                assert_close(&name, &logits, &fixture.tensor(&name), Tolerance::BF16);
            }
            Ok(())
        });
    }
}

#[test]
fn llama_over_gloo() {
    for mode in [Mode::TensorParallel, Mode::SequenceParallel] {
        let setting = Setting {
            degree: 2,
            mode,
            backend: BackendKind::Gloo,
            plan: None,
        };
        on_ranks(
            &Fixture::open("llama_gqa").dir,
            setting,
            Kind::Float,
            |model| {
                let fixture = Fixture::open("llama_gqa");
                check_case(model, &fixture, "even")?;
                check_case(model, &fixture, "odd")?;
                check_generation(model, &fixture, "prompt3")
            },
        );
    }
}

#[test]
fn tmp() {
    for name in std::env::var("FIX").unwrap().split(',') {
        let degrees: Vec<usize> = std::env::var("DEG")
            .unwrap()
            .split(',')
            .map(|d| d.parse().unwrap())
            .collect();
        check_all(name, &degrees);
        eprintln!("{name} ok");
    }
}
