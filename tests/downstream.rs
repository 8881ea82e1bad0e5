//! A crate that is not ours: its own model, its plans, and a plan for a model of another crate.

use serde_json::{Value, json};
use tp_runtime::model::{self, FromConfig, Model};
use tp_runtime::nn::{Embedding, Linear, LinearShape, RmsNorm};
use tp_runtime::plan::{self, Mode};
use tp_runtime::{Module, Result, register_model, tp_plan};

#[derive(Module)]
struct Block {
    #[module(rename = "ln")]
    norm: RmsNorm,
    fc1: Linear,
    fc2: Linear,
    gate: Option<Linear>,
}

#[derive(Module)]
struct Backbone {
    wte: Embedding,
    h: Vec<Block>,
}

#[derive(Module)]
struct TinyForCausalLM {
    transformer: Backbone,
    head: Linear,
}

impl Backbone {
    fn new() -> Self {
        let block = || Block {
            norm: RmsNorm::new(8, 1e-6),
            fc1: Linear::new(LinearShape::new(8, 16)),
            fc2: Linear::new(LinearShape::new(16, 8)),
            gate: None,
        };
        Self {
            wte: Embedding::new(32, 8, None),
            h: vec![block(), block()],
        }
    }
}

impl FromConfig for TinyForCausalLM {
    fn from_config(_: &Value) -> Result<Self> {
        let head = Linear::new(LinearShape::new(8, 32));
        Ok(Self {
            transformer: Backbone::new(),
            head,
        })
    }
}

impl Model for TinyForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        32
    }

    #[cfg(feature = "torch")]
    fn forward(
        &self,
        _: &model::Inputs,
        _: Option<&mut tp_runtime::nn::KvCache>,
    ) -> Result<tp_runtime::dtensor::DTensor> {
        unreachable!("only its shapes are looked at")
    }
}

register_model!(TinyForCausalLM);

tp_plan! {
    /// The backbone alone.
    BACKBONE for Backbone;
    "wte"       => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "h.*.ln"    => _                      | SequenceParallelAllGatherActivation(sequence: Shard(1)),
    "h.*.fc1"   => Colwise,
    "h.*.gate?" => Colwise,
    "h.*.fc2"   => Rowwise                | Rowwise(output: Shard(1))
}

tp_plan! {
    /// The whole model,
    /// in two lines.
    pub(crate) TINY for TinyForCausalLM;
    "transformer" => include BACKBONE,
    "head"        => Colwise(local: false) | Colwise(input: Shard(1), local: false),
}

tp_plan! {
    /// The MLP of the first block; the rest is replicated.
    FIRST_BLOCK for TinyForCausalLM as "first-block";
    "{transformer,head}"  => _,
    "transformer.h.0.fc1" => Colwise,
    "transformer.h.0.fc2" => Rowwise,
}

tp_plan! {
    /// A plan for a model of another crate.
    LLAMA_MLP_ONLY for tp_models::LlamaForCausalLM as "mlp-only";
    "{model,lm_head}"                   => _,
    "model.layers.*.mlp.{gate,up}_proj" => Colwise,
    "model.layers.*.mlp.down_proj"      => Rowwise,
}

#[test]
fn the_plans_of_every_linked_crate_are_found() {
    let name =
        |found: Result<&'static plan::Plan, plan::PlanError>| found.map(|plan| plan.name).ok();
    assert_eq!(name(plan::plan_for::<TinyForCausalLM>()), Some("TINY"));
    assert_eq!(name(plan::plan_for::<Backbone>()), Some("BACKBONE"));
    assert_eq!(
        name(plan::plan_for_architecture("TinyForCausalLM")),
        Some("TINY")
    );
    assert_eq!(
        name(plan::plan_named("TinyForCausalLM", "first-block")),
        Some("FIRST_BLOCK")
    );
    assert_eq!(
        name(plan::plan_named("LlamaForCausalLM", "mlp-only")),
        Some("LLAMA_MLP_ONLY")
    );
    assert_eq!(
        name(plan::plan_for_architecture("LlamaForCausalLM")),
        Some("LLAMA")
    );
    let models = ["Backbone", "LlamaForCausalLM", "TinyForCausalLM"];
    let plans = plan::plans();
    let named = plans.iter().filter(|plan| models.contains(&plan.model()));
    assert_eq!(
        named.map(|plan| plan.name).collect::<Vec<_>>(),
        ["BACKBONE", "LLAMA", "LLAMA_MLP_ONLY", "TINY", "FIRST_BLOCK"]
    );
}

#[test]
fn a_plan_knows_where_it_and_its_rows_were_written() {
    assert_eq!(TINY.doc, "The whole model,\nin two lines.");
    assert!(
        TINY.place().starts_with("tests/downstream.rs:"),
        "{}",
        TINY.place()
    );
    let rows = plan::rows(&TINY);
    let paths: Vec<&str> = rows.iter().map(|row| row.pattern.as_str()).collect();
    let expected = [
        "transformer.wte",
        "transformer.h.*.ln",
        "transformer.h.*.fc1",
        "transformer.h.*.gate",
        "transformer.h.*.fc2",
        "head",
    ];
    assert_eq!(paths, expected);
    assert_eq!(rows[1].line(), rows[0].line() + 1);
    assert!(rows[3].is_optional() && !rows[2].is_optional());
}

#[test]
fn sequence_parallelism_needs_a_column_somewhere() {
    assert!(TINY.supports(Mode::SequenceParallel));
    assert!(!LLAMA_MLP_ONLY.supports(Mode::SequenceParallel));
}

#[test]
fn a_config_finds_its_model() -> Result<()> {
    // Registered without a type, so that any fits.
    let config = json!({ "architectures": ["TinyForCausalLM"], "model_type": "mine" });
    let model = model::build(&config)?;
    let resolution = plan::resolve(&TINY, &model.layers(), Mode::SequenceParallel)?;
    let styled = resolution
        .layers
        .iter()
        .filter(|layer| layer.style.is_some())
        .count();
    assert_eq!((resolution.layers.len(), styled), (8, 8));
    Ok(())
}

#[test]
fn an_unknown_architecture_names_the_nearest() {
    let text = |config: Value| match model::build(&config) {
        Ok(_) => panic!("{config} was built"),
        Err(error) => error.to_string(),
    };
    let message = text(json!({ "architectures": ["TinyForCasualLM"] }));
    assert!(
        message.contains("did you mean `TinyForCausalLM`?"),
        "{message}"
    );
    let message = text(json!({ "hidden_size": 8 }));
    assert!(
        message.contains("neither `architectures` nor `model_type`"),
        "{message}"
    );
}
