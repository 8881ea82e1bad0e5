//! Texts that outgrow the frequencies of shorter ones (LongRoPE, dynamic scaling): what was cached under those is
//! computed anew.

use std::ops::ControlFlow;

use tch::{Kind, Tensor, no_grad};
use tp_models as _;
use tp_runtime::generate::{GenerateOptions, generate};
use tp_runtime::model::Inputs;
use tp_runtime::nn::KvCache;
use tp_runtime::testing::{Setting, on_ranks, settings};
use tp_tests::fixture;

/// Twelve positions are the context of the short frequencies of both.
const LIMIT: i64 = 12;

/// Two sets of frequencies, and those that follow the length.
const FIXTURES: [&str; 2] = ["phi3_longrope", "llama_dynamic"];

fn on_two_degrees(name: &'static str) -> impl Iterator<Item = (&'static str, Setting)> {
    settings(&[1, 2])
        .into_iter()
        .map(move |setting| (name, setting))
}

fn prompt(length: i64) -> Tensor {
    Tensor::arange(length, (Kind::Int64, tch::Device::Cpu)).unsqueeze(0) + 3
}

#[test]
fn generation_across_the_limit_is_that_without_a_cache() {
    for (name, setting) in FIXTURES.into_iter().flat_map(on_two_degrees) {
        on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
            assert!(model.outgrows_cache(LIMIT, LIMIT + 1));
            assert!(!model.outgrows_cache(1, LIMIT));
            let grows_on = model.outgrows_cache(LIMIT + 1, LIMIT + 2);
            assert_eq!(grows_on, name == "llama_dynamic");
            let options = GenerateOptions::greedy(10);
            // Two tokens short of the limit, at it, and beyond it.
            for length in [LIMIT - 2, LIMIT, LIMIT + 1] {
                let ids = prompt(length);
                let go_on = |_: &Tensor| ControlFlow::Continue(());
                let cached = generate(model, &Inputs::new(ids.shallow_clone()), &options, go_on)?;
                let mut whole = ids;
                for _ in 0..options.max_new_tokens {
                    let inputs = Inputs::new(whole.shallow_clone());
                    let logits = no_grad(|| model.forward(&inputs, None)?.full())?;
                    let next = logits.select(1, -1).argmax(-1, true);
                    whole = Tensor::cat(&[whole, next], 1);
                }
                assert_eq!(cached, whole, "{name}: {length} tokens");
            }
            Ok(())
        });
    }
}

#[test]
fn a_cache_of_short_texts_does_not_go_on_beyond_them() {
    for (name, setting) in FIXTURES.into_iter().flat_map(on_two_degrees) {
        on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
            let mut cache = KvCache::new(LIMIT + 2);
            no_grad(|| {
                model
                    .forward(&Inputs::new(prompt(LIMIT)), Some(&mut cache))
                    .map(|_| ())
            })?;
            let outcome = no_grad(|| model.forward(&Inputs::new(prompt(1)), Some(&mut cache)));
            let message = outcome.err().map(|error| error.to_string());
            assert!(
                message.is_some_and(|message| message.contains("cannot go on to 13")),
                "{name}: a cache of {LIMIT} positions went on"
            );
            Ok(())
        });
    }
}
