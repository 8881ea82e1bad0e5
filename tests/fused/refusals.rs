//! What a fused layer cannot be given, before any weight is made.

use serde_json::{Value, json};
use tp_runtime::dtensor::DTensor;
use tp_runtime::model::{FromConfig, Inputs, Model};
use tp_runtime::module::Segment;
use tp_runtime::nn::{Embedding, KvCache, Linear, LinearShape};
use tp_runtime::plan::{self, Plan};
use tp_runtime::{Mode, Module, Result, model, register_model, tp_plan};

use super::model::{MISNAMED, UNFUSED, config};
use super::{ids, on_ranks};

fn refused(plan: &'static Plan, part: &str) -> Result<()> {
    let model = model::build(&config(8, 2))?;
    match plan::resolve(plan, &model.layers(), Mode::TensorParallel) {
        Ok(_) => panic!("`{}` was resolved, and should say: {part}", plan.name),
        Err(error) => assert!(
            error.to_string().contains(part),
            "{part} is not in: {error}"
        ),
    }
    Ok(())
}

#[test]
fn segments_are_the_layer_s_own_in_its_order() -> Result<()> {
    refused(
        &MISNAMED,
        "splits `layers.0.mlp.gate_up` by segments: write `segments: [gate, up]`",
    )?;
    refused(
        &UNFUSED,
        "splits `head` by segments: it is not fused, remove `segments`",
    )
}

/// A model that asks its fused layer for something that the layer does not have.
#[derive(Module)]
#[flow(embed -> fused)]
struct Misuser {
    embed: Embedding,
    fused: Linear,
    #[module(skip)]
    asks_for_one: bool,
}

register_model!(Misuser);

tp_plan! {
    /// The fused layer by segments.
    MISUSER for Misuser;
    "embed" => _,
    "fused" => Colwise(segments: [gate, up]),
}

impl FromConfig for Misuser {
    fn from_config(config: &Value) -> Result<Self> {
        let segments = ["gate", "up"].map(|name| Segment::features(name, 4));
        Ok(Self {
            embed: Embedding::new(19, 6, None),
            fused: Linear::new(LinearShape::fused(6, segments)),
            asks_for_one: config["asks_for_one"] == true,
        })
    }
}

impl Model for Misuser {
    fn vocabulary_size(&self) -> i64 {
        19
    }

    fn forward(&self, inputs: &Inputs, _: Option<&mut KvCache>) -> Result<DTensor> {
        let x = self.embed.forward(&inputs.input_ids)?;
        if self.asks_for_one {
            return self.fused.forward(&x);
        }
        let [gate, _, _] = self.fused.forward_segments(&x)?;
        Ok(gate)
    }
}

#[test]
fn a_fused_layer_is_asked_for_the_segments_it_has() {
    for (asks_for_one, part) in [
        (
            true,
            "`fused` is split by segments: call `forward_segments`",
        ),
        (
            false,
            "`fused` has 2 segments, and `forward_segments::<3>` is called",
        ),
    ] {
        let config = json!({ "architectures": ["Misuser"], "asks_for_one": asks_for_one });
        let outcome = on_ranks(&MISUSER, &config, 2, Mode::TensorParallel, |model| {
            model.forward(&Inputs::new(ids()), None).map(|_| ())
        });
        let text = outcome.err().map(|error| error.to_string());
        let text = text.unwrap_or_default();
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}
