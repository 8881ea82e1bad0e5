//! What only a GPU can show: `TP_TEST_DEVICE=cuda cargo test --test cuda --features nccl -- --ignored`.

use std::ops::ControlFlow;

use tch::{Device, Kind, Tensor};
use tp_models as _;
use tp_runtime::Result;
use tp_runtime::comm::cuda::without_waiting;
use tp_runtime::generate::{GenerateOptions, generate};
use tp_runtime::memory::measure;
use tp_runtime::model::Inputs;
use tp_runtime::nn::KvCache;
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{on_ranks, settings};
use tp_tests::fixture;

/// One of each attention, norm, rotation and head.
const LANGUAGE_MODELS: [&str; 7] = [
    "llama_gqa",
    "qwen2",
    "qwen3",
    "gemma3_text",
    "ministral3",
    "phi3_longrope",
    "phi2",
];

/// Greedy tokens by a forward that is captured.
fn captured(tokens: i64) -> GenerateOptions {
    GenerateOptions {
        capture: true,
        ..GenerateOptions::greedy(tokens)
    }
}

/// One rank: ranks that are threads wait for each other's GPUs by design.
fn on_one_rank(name: &str, body: impl Fn(&ParallelModel) + Sync) {
    on_ranks(
        &fixture(name).dir,
        settings(&[1])[0],
        Kind::Float,
        |model| {
            assert!(model.device().is_cuda(), "TP_TEST_DEVICE=cuda is not set");
            body(model);
            Ok(())
        },
    );
}

#[test]
#[ignore = "needs a GPU"]
fn reading_a_number_is_a_wait() {
    let ones = Tensor::ones([2], (Kind::Float, Device::Cuda(0)));
    let read = without_waiting(|| ones.f_double_value(&[0])).expect("libtorch listens");
    assert!(read.is_err());
    assert_eq!(ones.double_value(&[0]), 1.0);
}

#[test]
#[ignore = "needs a GPU"]
fn no_token_waits_for_the_gpu() {
    for name in LANGUAGE_MODELS {
        on_one_rank(name, |model| {
            let prompt = fixture(name).inputs("even");
            let prompt = model.upload(&prompt).expect("room");
            let options = captured(6);
            let go_on = |_: &Tensor| ControlFlow::Continue(());
            let generated = without_waiting(|| generate(model, &prompt, &options, go_on));
            let generated = generated.expect("libtorch listens");
            let ids = generated.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(ids.device(), model.device());
        });
    }
}

/// Over more tokens than the first capture has room for.
#[test]
#[ignore = "needs a GPU"]
fn replayed_steps_choose_what_each_by_itself_does() {
    let tokens = 300;
    for name in LANGUAGE_MODELS {
        on_one_rank(name, |model| {
            let prompt = Inputs::new(fixture(name).inputs("even").input_ids);
            let prompt = model.upload(&prompt).expect("room");
            let options = captured(tokens);
            let go_on = |_: &Tensor| ControlFlow::Continue(());
            let replayed = generate(model, &prompt, &options, go_on).expect("text");
            let each = tch::no_grad(|| one_by_one(model, &prompt, tokens)).expect("text");
            let same = replayed.eq_tensor(&each).to_kind(Kind::Float);
            // Sums in another order may choose otherwise between equals, and all differs after that.
            let first = same.narrow(1, 0, prompt.input_ids.size()[1] + 40);
            assert_eq!(first.min().double_value(&[]), 1.0, "{name}");
            eprintln!(
                "{name}: {:.3} of the tokens",
                same.mean(Kind::Float).double_value(&[])
            );
        });
    }
}

fn one_by_one(model: &ParallelModel, prompt: &Inputs, tokens: i64) -> Result<Tensor> {
    let mut ids = prompt.input_ids.shallow_clone();
    let mut cache = KvCache::new(ids.size()[1] + tokens);
    let mut inputs = prompt.shallow_clone();
    for _ in 0..tokens {
        inputs.logits_to_keep = Some(1);
        let logits = model.forward(&inputs, Some(&mut cache))?.full()?;
        let chosen = logits.argmax(-1, false);
        ids = Tensor::cat(&[&ids, &chosen], 1);
        let (seen, next) = (cache.length(), cache.length() + 1);
        inputs = Inputs::new(chosen);
        if model.outgrows_cache(seen, next) {
            cache = KvCache::new(ids.size()[1] + tokens);
            inputs = Inputs::new(ids.shallow_clone());
        }
    }
    Ok(ids)
}

#[test]
#[ignore = "needs a GPU"]
fn no_gradient_and_no_update_waits_for_the_gpu() {
    for name in LANGUAGE_MODELS {
        on_one_rank(name, |model| {
            let fixture = fixture(name);
            let inputs = model.upload(&fixture.inputs("even")).expect("room");
            let labels = fixture.tensor("even/labels").to_device(model.device());
            let parameters = model.parameters();
            let parameters = parameters.iter().map(|named| named.param);
            let mut optimizer =
                AdamW::new(parameters, AdamWOptions::default()).expect("room for its state");
            let step = without_waiting(|| {
                model.loss(&inputs, &labels)?.f_backward()?;
                optimizer.step()
            });
            let step = step.expect("libtorch listens");
            step.unwrap_or_else(|error| panic!("{name}: {error}"));
        });
    }
}

#[test]
#[ignore = "needs a GPU"]
fn bytes_of_a_gpu_are_counted() {
    let zeros = || Tensor::zeros([1 << 20], (Kind::Float, Device::Cuda(0)));
    let (kept, bytes) = measure(Device::Cuda(0), || {
        drop((zeros(), zeros()));
        zeros()
    })
    .expect("libtorch reports");
    assert_eq!((bytes.held, bytes.peak), (4 << 20, 8 << 20));
    drop(kept);
}
