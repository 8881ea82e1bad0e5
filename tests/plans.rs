//! What a plan makes of a configuration, by the example of Llama's.

use serde_json::{Value, json};
use tp_models::LlamaForCausalLM;
use tp_runtime::model::{self, Model};
use tp_runtime::plan::{
    self, EvenDegrees, Mode, ModuleKind, Placement, Plan, PlanError, SplitHeads, StyleKind,
};
use tp_runtime::{Result, interop, tp_plan};

tp_plan! {
    /// Only what a head of attention reads and writes.
    ATTENTION for LlamaForCausalLM as "attention";
    "{model,lm_head}"                       => _,
    "model.layers.*.self_attn.{q,k,v}_proj" => Colwise,
    "model.layers.*.self_attn.o_proj"       => Rowwise,
}

tp_plan! {
    /// A tied table that its two rows would lay out differently.
    TABLE_BY_COLUMNS for LlamaForCausalLM as "table by columns";
    "model.layers"       => _,
    "model.embed_tokens" => Colwise(output: Replicate),
    "lm_head"            => Colwise,
}

tp_plan! {
    /// A layer that small models do not have.
    THIRD_LAYER for LlamaForCausalLM as "third layer";
    "{model,lm_head}" => _,
    "model.layers.2.mlp.up_proj" => Colwise(output: Replicate),
}

fn llama(changes: Value) -> Result<Box<dyn Model>> {
    let mut config = json!({
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 257,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "attention_bias": true,
        "mlp_bias": true,
    });
    if let (Some(config), Value::Object(changes)) = (config.as_object_mut(), changes) {
        config.extend(changes);
    }
    model::build(&config)
}

fn fault(plan: &'static Plan, changes: Value, mode: Mode) -> Result<PlanError> {
    match plan::resolve(plan, &llama(changes)?.layers(), mode) {
        Ok(_) => panic!("`{}` was resolved", plan.name),
        Err(error) => Ok(error),
    }
}

#[test]
fn a_plan_with_one_column_exports_no_second() {
    assert_eq!(interop::json(&ATTENTION)["sp"], Value::Null);
}

#[test]
fn styles_lay_out_the_parameters() -> Result<()> {
    let model = llama(json!({}))?;
    let llama = plan::plan_for::<LlamaForCausalLM>()?;
    let layers = model.layers();
    let resolution = plan::resolve(llama, &layers, Mode::TensorParallel)?;
    let parameters = resolution.parameters(&layers);
    let placement = |name: &str| {
        let named = parameters.iter().find(|other| other.name == name);
        named.map(|other| other.sharding.placement())
    };
    let expected = [
        ("model.embed_tokens.weight", Placement::Shard(0)),
        (
            "model.layers.1.self_attn.q_proj.weight",
            Placement::Shard(0),
        ),
        ("model.layers.1.self_attn.q_proj.bias", Placement::Shard(0)),
        (
            "model.layers.1.self_attn.o_proj.weight",
            Placement::Shard(1),
        ),
        ("model.layers.1.self_attn.o_proj.bias", Placement::Replicate),
        (
            "model.layers.1.input_layernorm.weight",
            Placement::Replicate,
        ),
        ("lm_head.weight", Placement::Shard(0)),
    ];
    for (name, wanted) in expected {
        assert_eq!(placement(name), Some(wanted), "{name}");
    }
    Ok(())
}

#[test]
fn each_mode_takes_its_own_column() -> Result<()> {
    let llama_plan = plan::plan_for::<LlamaForCausalLM>()?;
    let style = |mode, path: &str| -> Result<Option<StyleKind>> {
        let model = llama(json!({}))?;
        let resolution = plan::resolve(llama_plan, &model.layers(), mode)?;
        let layer = resolution
            .layers
            .into_iter()
            .find(|layer| layer.path.as_str() == path);
        Ok(layer.and_then(|layer| layer.style).map(|style| style.kind))
    };
    let norm = "model.layers.0.input_layernorm";
    assert_eq!(style(Mode::TensorParallel, norm)?, None);
    let gathers = StyleKind::SequenceParallelAllGatherActivation;
    assert_eq!(style(Mode::SequenceParallel, norm)?, Some(gathers));
    assert_eq!(
        style(Mode::TensorParallel, "model.embed_tokens")?,
        Some(StyleKind::Rowwise)
    );
    Ok(())
}

#[test]
fn layers_come_in_the_models_order_with_their_rows() -> Result<()> {
    let model = llama(json!({}))?;
    let resolution = plan::resolve(&ATTENTION, &model.layers(), Mode::TensorParallel)?;
    let first = &resolution.layers[0];
    assert_eq!(
        (first.path.as_str(), first.kind),
        ("model.embed_tokens", ModuleKind::Embedding)
    );
    let pattern = first.row.as_ref().map(|row| row.pattern.as_str());
    assert!(pattern == Some("model") && first.style.is_none());
    let query = &resolution.layers[1];
    let pattern = query.row.as_ref().map(|row| row.pattern.as_str());
    assert_eq!(pattern, Some("model.layers.*.self_attn.q_proj"));
    Ok(())
}

#[test]
fn the_heads_that_a_plan_splits_are_known() -> Result<()> {
    let heads = |plan, changes| -> Result<Vec<SplitHeads>> {
        let model = llama(changes)?;
        Ok(plan::resolve(plan, &model.layers(), Mode::TensorParallel)?.heads)
    };
    let six = json!({ "hidden_size": 48, "num_attention_heads": 12, "num_key_value_heads": 6 });
    let of_attention = heads(&ATTENTION, six)?;
    let named = of_attention
        .iter()
        .map(|heads| (heads.field, heads.shares.count));
    let wanted = [("num_attention_heads", 12), ("num_key_value_heads", 6)];
    assert!(named.eq(wanted), "{of_attention:?}");
    assert_eq!(
        EvenDegrees::of(&of_attention).to_string(),
        "1, 2, 3, 4, 6, 12"
    );
    let none = heads(&TABLE_BY_COLUMNS, json!({}))?;
    assert_eq!(EvenDegrees::of(&none).to_string(), "any");
    Ok(())
}

#[test]
fn a_row_that_matches_nothing_is_refused_unless_optional() -> Result<()> {
    let message = fault(&THIRD_LAYER, json!({}), Mode::TensorParallel)?.to_string();
    assert!(
        message.contains("\"model.layers.2.mlp.up_proj\""),
        "{message}"
    );
    let model = llama(json!({ "num_hidden_layers": 3 }))?;
    plan::resolve(&THIRD_LAYER, &model.layers(), Mode::TensorParallel)?;
    Ok(())
}

#[test]
fn sequence_parallelism_is_refused_without_its_column() -> Result<()> {
    let message = fault(&ATTENTION, json!({}), Mode::SequenceParallel)?.to_string();
    assert!(
        message.contains("no column for sequence parallelism"),
        "{message}"
    );
    Ok(())
}

#[test]
fn a_tied_table_has_one_placement() -> Result<()> {
    let tied = json!({ "tie_word_embeddings": true });
    let message = fault(&TABLE_BY_COLUMNS, tied.clone(), Mode::TensorParallel)?.to_string();
    for part in [
        "`model.embed_tokens.weight`",
        "`lm_head.weight`",
        "Shard(1)",
        "Shard(0)",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    let llama_plan = plan::plan_for::<LlamaForCausalLM>()?;
    plan::resolve(llama_plan, &llama(tied)?.layers(), Mode::SequenceParallel)?;
    Ok(())
}
