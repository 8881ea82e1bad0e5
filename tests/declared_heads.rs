//! What a model says of its heads: where layers agree, every number of ranks is right, heads that are
//! gathered included; where they do not, every rank says so.

use std::sync::Mutex;

use serde_json::{Value, json};
use tch::Tensor;
use tp_runtime::dropout::Dropout;
use tp_runtime::dtensor::DTensor;
use tp_runtime::model::{self, FromConfig, Inputs, Model};
use tp_runtime::nn::{Attention, AttentionMask, Embedding, KvCache, Linear, LinearShape};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::plan::{self, Plan};
use tp_runtime::testing::{Tolerance, assert_close};
use tp_runtime::{Mode, Module, Result, register_model, tp_plan};
use tp_tests::ranks::on_bare_ranks;

const HEADS: i64 = 6;
const KEY_VALUE_HEADS: i64 = 2;
const HEAD_DIM: i64 = 4;

/// One attention, whose layers say of their heads what the config has them say.
#[derive(Module)]
#[flow(embed -> attention -> head)]
struct OneAttention {
    embed: Embedding,
    attention: SomeAttention,
    head: Linear,
}

#[derive(Module)]
#[flow(q, k, v -> out)]
struct SomeAttention {
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
}

register_model!(OneAttention);

tp_plan! {
    /// Attention by heads.
    BY_HEADS for OneAttention;
    "embed"             => _,
    "attention.{q,k,v}" => Colwise,
    "attention.out"     => Rowwise,
    "head"              => Colwise,
}

tp_plan! {
    /// Heads that are computed by ranks, and gathered: attention is whole on each.
    GATHERED for OneAttention as "gathered", from BY_HEADS;
    "attention.{q,k,v}" => Colwise(output: Replicate),
    "attention.out"     => Rowwise(input: Replicate),
}

impl FromConfig for OneAttention {
    fn from_config(config: &Value) -> Result<Self> {
        let hidden = 12;
        let project = |heads| LinearShape::new(hidden, heads * HEAD_DIM);
        let keys = || match &config["keys"] {
            Value::String(_) => project(KEY_VALUE_HEADS).output_heads(KEY_VALUE_HEADS, "keys"),
            _ => project(KEY_VALUE_HEADS).key_value_heads(KEY_VALUE_HEADS, HEADS, "keys"),
        };
        let out = LinearShape::new(HEADS * HEAD_DIM, hidden);
        let queries = config["heads"].as_i64().unwrap_or(HEADS);
        Ok(Self {
            embed: Embedding::new(19, hidden, None),
            attention: SomeAttention {
                q: Linear::new(project(HEADS).output_heads(queries, "heads")),
                k: Linear::new(keys()),
                v: Linear::new(keys()),
                out: Linear::new(match &config["out"] {
                    Value::String(_) => out,
                    _ => out.input_heads(HEADS, "heads"),
                }),
            },
            head: Linear::new(LinearShape::new(hidden, 19)),
        })
    }
}

impl Model for OneAttention {
    fn vocabulary_size(&self) -> i64 {
        19
    }

    fn forward(&self, inputs: &Inputs, _: Option<&mut KvCache>) -> Result<DTensor> {
        let SomeAttention { q, k, v, out } = &self.attention;
        let x = self.embed.forward(&inputs.input_ids)?;
        let heads = |layer: &Linear| layer.forward(&x)?.split_heads(HEAD_DIM);
        let attention = Attention {
            mask: &AttentionMask::Causal,
            scale: 0.5,
            dropout: Dropout::NONE,
            dropout_key: None,
            cache: None,
        };
        let mixed = attention.forward(&heads(q)?, &heads(k)?, &heads(v)?)?;
        self.head.forward(&out.forward(&mixed.merge_heads()?)?)
    }
}

fn config(changes: &Value) -> Value {
    let mut config = json!({ "architectures": ["OneAttention"], "initializer_range": 0.3 });
    for (field, value) in changes.as_object().into_iter().flatten() {
        config[field] = value.clone();
    }
    config
}

fn ids() -> Tensor {
    Tensor::from_slice(&[3_i64, 1, 4, 15, 9, 2]).view([1, 6])
}

/// Looks at the model on every rank.
fn on(
    plan: &'static Plan,
    changes: &Value,
    degree: usize,
    look: impl Fn(&ParallelModel) -> Result<()> + Sync,
) {
    on_bare_ranks(degree, |rank| {
        let mesh = rank.mesh(&[("tp", degree)])?;
        let options = ParallelOptions {
            plan: Some(plan),
            ..ParallelOptions::default()
        };
        let config = config(changes);
        look(&ParallelModel::initialize(
            &config,
            Vec::new(),
            3,
            &mesh,
            options,
        )?)
    });
}

/// Logits and every gradient.
fn numbers(model: &ParallelModel) -> Result<Vec<Tensor>> {
    let logits = model.forward(&Inputs::new(ids()), None)?;
    model.loss_of(&logits, &ids())?.f_backward()?;
    let mut numbers = vec![logits.full()?.detach()];
    for named in model.parameters() {
        numbers.push(model.gradient(&named)?);
    }
    Ok(numbers)
}

#[test]
fn heads_that_are_gathered_count_once() {
    let wanted = Mutex::new(Vec::new());
    on(&BY_HEADS, &json!({}), 1, |model| {
        *wanted.lock().expect("one rank") = numbers(model)?;
        Ok(())
    });
    for degree in [2, 3, 4, 5, 7] {
        for plan in [&BY_HEADS, &GATHERED] {
            on(plan, &json!({}), degree, |model| {
                let found = numbers(model)?;
                model.check_replicas()?;
                let wanted = wanted.lock().expect("no rank panicked");
                for (index, (found, wanted)) in found.iter().zip(&*wanted).enumerate() {
                    let context = format!("number {index}, {} on {degree} ranks", plan.name);
                    assert_close(&context, found, wanted, Tolerance::F32);
                }
                Ok(())
            });
        }
    }
}

#[test]
fn layers_that_say_different_things_are_named() {
    for (changes, degree, part) in [
        (
            json!({ "keys": "as if they were queries" }),
            4,
            "`attention.k` gives rank 1 the key-value heads 1..2, but its queries read 0..2",
        ),
        (
            json!({ "out": "as if its input were no heads" }),
            4,
            "`attention.out` divides features in chunks, but `attention.q` gives 6 heads",
        ),
    ] {
        on(&BY_HEADS, &changes, degree, |model| {
            let outcome = model.forward(&Inputs::new(ids()), None);
            let text = outcome.err().map(|error| error.to_string());
            let text = text.unwrap_or_default();
            assert!(text.contains(part), "{part} is not in: {text}");
            Ok(())
        });
        // Where all ranks have as many, what they say comes to the same.
        on(&BY_HEADS, &changes, 2, |model| {
            model.forward(&Inputs::new(ids()), None).map(|_| ())
        });
    }
}

#[test]
fn a_dimension_is_made_of_the_heads_that_its_layer_says() -> Result<()> {
    let model = model::build(&config(&json!({ "heads": 5 })))?;
    let error = plan::resolve(&BY_HEADS, &model.layers(), Mode::TensorParallel)
        .err()
        .map(|error| error.to_string());
    let text = error.unwrap_or_default();
    let part = "splits `attention.q.weight` [24, 12] by heads, but dimension 0 does not divide into `heads`, 5";
    assert!(text.contains(part), "{text}");
    Ok(())
}
