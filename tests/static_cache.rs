//! A forward that finds its position on the device computes what one computes that is told it.

use tch::{Kind, Tensor};
use tp_models as _;
use tp_runtime::Result;
use tp_runtime::model::Inputs;
use tp_runtime::nn::KvCache;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{Tolerance, assert_close, on_ranks, settings};
use tp_tests::fixture;

/// Every decoder, with windows that a text of 24 tokens outgrows, and queries that grow within it.
const LANGUAGE_MODELS: [&str; 10] = [
    "llama_gqa",
    "llama_tied",
    "qwen2",
    "qwen3",
    "gemma3_text",
    "gemma3_legacy",
    "ministral3",
    "phi3",
    "phi2",
    "phi2_qk",
];

const PROMPT: i64 = 5;

/// Tokens after the prompt, of which the cache is static for all but the first two and the last.
const STEPS: i64 = 19;

fn tokens(vocabulary: i64) -> Tensor {
    let counted = Tensor::arange(2 * (PROMPT + STEPS), (Kind::Int64, tch::Device::Cpu)) * 7 + 3;
    counted
        .remainder(vocabulary.min(90))
        .view([2, PROMPT + STEPS])
}

fn logits(model: &ParallelModel, ids: &Tensor, cache: &mut KvCache) -> Result<Tensor> {
    let inputs = model.upload(&Inputs::new(ids.shallow_clone()))?;
    model.forward(&inputs, Some(cache))?.full()
}

#[test]
fn every_decoder_finds_its_position_on_the_device() {
    for name in LANGUAGE_MODELS {
        for setting in settings(&[1, 2]) {
            on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
                assert!(model.can_be_captured(), "{name}");
                tch::no_grad(|| compare(name, model))
            });
        }
    }
}

fn compare(name: &str, model: &ParallelModel) -> Result<()> {
    let ids = tokens(model.vocabulary_size());
    let prompt = ids.narrow(1, 0, PROMPT);
    let [mut growing, mut fixed] = [(); 2].map(|()| KvCache::new(PROMPT + STEPS));
    for cache in [&mut growing, &mut fixed] {
        let _ = logits(model, &prompt, cache)?;
    }
    for step in 0..STEPS {
        match step {
            2 => fixed.make_static(16)?,
            // Before it is full.
            9 => fixed.make_static(32)?,
            18 => fixed.make_growing(),
            _ => {}
        }
        let token = ids.narrow(1, PROMPT + step, 1);
        let told = logits(model, &token, &mut growing)?;
        let found = logits(model, &token, &mut fixed)?;
        assert_eq!(growing.length(), fixed.length());
        assert_close(&format!("{name} {step}"), &found, &told, Tolerance::F32);
    }
    Ok(())
}

#[test]
fn what_a_static_cache_cannot_do() {
    let error = KvCache::new(8)
        .make_static(8)
        .expect_err("it holds nothing");
    assert!(
        error.to_string().contains("run the prompt first"),
        "{error}"
    );
    let setting = settings(&[1])[0];
    on_ranks(&fixture("llama_gqa").dir, setting, Kind::Float, |model| {
        let refused = |cache: &mut KvCache, inputs: Inputs, reason: &str| {
            let forward = tch::no_grad(|| model.forward(&model.upload(&inputs)?, Some(cache)));
            let error = forward.err().expect("it cannot");
            assert!(error.to_string().contains(reason), "{error}");
        };
        let ids = |count| Inputs::new(tokens(90).narrow(1, 0, count));
        let mut cache = KvCache::new(8);
        let _ = tch::no_grad(|| model.forward(&model.upload(&ids(PROMPT))?, Some(&mut cache)))?;
        let error = cache.make_static(4).expect_err("it holds five positions");
        assert!(error.to_string().contains("4"), "{error}");
        cache.make_static(6)?;
        refused(&mut cache, ids(2), "2 tokens");
        let mask = Tensor::ones([2, PROMPT + 1], (Kind::Int64, tch::Device::Cpu));
        refused(
            &mut cache,
            ids(1).with("attention_mask", mask),
            "`attention_mask`",
        );
        let _ = tch::no_grad(|| model.forward(&model.upload(&ids(1))?, Some(&mut cache)))?;
        refused(&mut cache, ids(1), "6");
        Ok(())
    });
}
