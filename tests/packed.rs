//! Texts that stand in one row see nothing of one another: logits, loss and gradients are transformers', and those of
//! the texts apart, on any number of ranks.

use tch::{Kind, Tensor};
use tp_runtime::Result;
use tp_runtime::model::Inputs;
use tp_runtime::nn::KvCache;
use tp_runtime::optim::clip_gradients;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{Tolerance, assert_close, on_ranks, settings};
use tp_tests::fixture;

/// The lengths of the texts of each row, as in the fixture.
const TEXTS: [&[i64]; 2] = [&[7, 12, 1, 4], &[3, 21]];

fn hold(name: &str, degrees: &[usize]) {
    for setting in settings(degrees) {
        on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
            let reference = fixture("packed");
            let wanted = |what: &str| reference.tensor(&format!("{name}/{what}"));
            for recompute in [false, true] {
                let place =
                    |what: &str| format!("{name}, {setting}, recompute {recompute}: {what}");
                let mut inputs = reference.inputs(name);
                inputs.recompute = recompute;
                let logits = model.forward(&inputs, None)?;
                assert_close(
                    &place("logits"),
                    &logits.full()?,
                    &wanted("logits"),
                    Tolerance::F32,
                );
                let loss = model.loss_of(&logits, &wanted("labels"))?;
                assert_close(&place("loss"), &loss, &wanted("loss"), Tolerance::F32);
                loss.f_backward()?;
                let parameters = model.parameters();
                let norm = clip_gradients(&parameters, f64::INFINITY, model.group())?;
                assert_close(
                    &place("norm"),
                    &Tensor::from(norm),
                    &wanted("grad_norm"),
                    Tolerance::F32,
                );
                for named in &parameters {
                    if let Some(wanted) = reference.find(&format!("{name}/grad.{}", named.name)) {
                        let gradient = model.gradient(named)?;
                        assert_close(&place(&named.name), &gradient, &wanted, Tolerance::F32);
                    }
                    named.param.local().zero_grad();
                }
            }
            Ok(())
        });
    }
}

#[test]
fn llama() {
    hold("llama_gqa", &[1, 2, 4]);
    hold("llama_dynamic", &[1, 2]);
}

#[test]
fn qwen() {
    hold("qwen2", &[1, 2]);
    hold("qwen3", &[1, 2]);
}

/// Its layers see windows of the texts.
#[test]
fn gemma3() {
    hold("gemma3_text", &[1, 2]);
}

/// Its queries grow with their positions.
#[test]
fn ministral3() {
    hold("ministral3", &[1, 2]);
}

#[test]
fn phi() {
    hold("phi3", &[1, 2]);
    hold("phi3_longrope", &[1, 2]);
    hold("phi2", &[1, 2]);
}

/// The sum of the losses of each text alone.
fn apart(model: &ParallelModel, ids: &Tensor) -> Result<Tensor> {
    let mut sum = Tensor::zeros([], (Kind::Float, ids.device()));
    for (row, lengths) in (0..).zip(TEXTS) {
        for text in ids.narrow(0, row, 1).split_with_sizes(lengths, 1) {
            if text.size()[1] > 1 {
                let logits = model.forward(&Inputs::new(text.shallow_clone()), None)?;
                sum += model.loss_sum(&logits, &text)?;
            }
        }
    }
    Ok(sum)
}

/// Those with a vision tower read texts alike.
#[test]
fn models_of_images() {
    for name in ["gemma3_cond", "mistral3_cond"] {
        for setting in settings(&[1, 2]) {
            on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
                let packed = fixture("packed").inputs("llama_gqa");
                let ids = packed.input_ids.remainder(40);
                let labels = ids.masked_fill(
                    &packed.position_ids.as_ref().expect("positions").eq(0),
                    -100,
                );
                let inputs = Inputs {
                    input_ids: ids.shallow_clone(),
                    ..packed
                };
                let logits = model.forward(&inputs, None)?;
                let sum = model.loss_sum(&logits, &labels)?;
                assert_close(name, &sum, &apart(model, &ids)?, Tolerance::F32);
                Ok(())
            });
        }
    }
}

/// As in transformers, where a mask says that a row is one text.
#[test]
fn under_a_mask_a_row_is_one_text() {
    let setting = settings(&[1])[0];
    on_ranks(&fixture("llama_gqa").dir, setting, Kind::Float, |model| {
        let inputs = || {
            let ids = fixture("packed").inputs("llama_gqa").input_ids;
            Inputs::new(ids.shallow_clone()).with("attention_mask", ids.ones_like())
        };
        let places = Tensor::arange(inputs().input_ids.size()[1], tch::kind::INT64_CPU);
        // A gap between positions starts no other text.
        let later = places.ge(5).to_kind(Kind::Int64) * 3 + &places;
        let logits = |places: &Tensor| {
            let places = places.expand(inputs().input_ids.size(), false);
            model
                .forward(&inputs().with("position_ids", places), None)?
                .full()
        };
        let plain = model.forward(&inputs(), None)?.full()?;
        assert_close("logits", &logits(&places)?, &plain, Tolerance::F32);
        let moved = logits(&later)?;
        let [before, after] = [(0, 5), (5, 1)].map(|(start, length)| {
            let part = |logits: &Tensor| logits.narrow(1, start, length);
            part(&moved).allclose(&part(&plain), 1e-4, 1e-5, false)
        });
        assert!(before && !after);
        Ok(())
    });
}

#[test]
fn a_cache_has_no_room_for_several_texts() {
    let setting = settings(&[1])[0];
    on_ranks(&fixture("llama_gqa").dir, setting, Kind::Float, |model| {
        let inputs = fixture("packed").inputs("llama_gqa");
        let refused = tch::no_grad(|| {
            let mut cache = KvCache::new(100);
            model.forward(&Inputs::new(inputs.input_ids.copy()), Some(&mut cache))?;
            model.forward(&inputs, Some(&mut cache))
        });
        let message = refused.err().expect("an error").to_string();
        assert!(message.contains("the cache has 24 positions"), "{message}");
        Ok(())
    });
}
