//! Plans that start from another: their own rows first, the other's wherever none of them names the module.

use serde_json::json;
use tp_models::LlamaForCausalLM;
use tp_models::llama::{LLAMA, LlamaModel};
use tp_runtime::plan::{self, Mode, Plan};
use tp_runtime::{Result, interop, model, tp_plan};

tp_plan! {
    /// A row taken back, one narrowed to a layer, one repeated.
    CHANGED for LlamaForCausalLM as "changed", from LLAMA;
    "lm_head"                         => _,
    "model.layers.1.mlp.{gate,up}_proj" => _,
    "model.layers.1.mlp.down_proj"    => _ | Rowwise(input: Replicate, output: Shard(1)),
    "model.layers.*.self_attn.o_proj" => Rowwise | Rowwise(output: Shard(1)),
}

tp_plan! {
    /// Changes what is changed already.
    TWICE for LlamaForCausalLM as "twice", from CHANGED;
    "lm_head"    => Colwise(output: Replicate),
    "model.norm" => _,
}

tp_plan! {
    /// The decoder's MLP.
    BACKBONE for LlamaModel;
    "{embed_tokens,layers}" => _,
    "layers.*.mlp.{gate,up}_proj" => Colwise,
    "layers.*.mlp.down_proj"      => Rowwise,
}

tp_plan! {
    /// The decoder in its model.
    INCLUDING for LlamaForCausalLM as "including";
    "model" => include BACKBONE,
    "lm_head" => _,
}

tp_plan! {
    /// A change of what the other plan includes.
    FROM_INCLUDING for LlamaForCausalLM as "from including", from INCLUDING;
    "model.layers.*.mlp.up_proj" => Colwise(local: false),
}

tp_plan! {
    /// The second layer whole, but for what two rows say of it.
    WHOLE_LAYER for LlamaForCausalLM as "whole layer", from FROM_INCLUDING;
    "model.layers.1"             => _,
    "model.layers.1.mlp.up_proj" => Colwise(output: Replicate),
}

/// The styles that `plan` gives the layers whose names end in one of `names`, as its cells say them.
fn styles(plan: &'static Plan, mode: Mode, names: &[&str]) -> Result<Vec<String>> {
    let model = model::build(&json!({
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 16,
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }))?;
    let resolution = plan::resolve(plan, &model.layers(), mode)?;
    let style = |name: &&str| {
        let mut layers = resolution.layers.iter();
        let layer = layers.find(|layer| layer.path.as_str().ends_with(name));
        match layer.and_then(|layer| layer.style) {
            Some(style) => style.to_string(),
            None => "_".to_owned(),
        }
    };
    Ok(names.iter().map(style).collect())
}

#[test]
fn own_rows_come_before_those_of_the_base() -> Result<()> {
    let names = [
        "lm_head",
        "1.mlp.up_proj",
        "0.mlp.up_proj",
        "1.self_attn.o_proj",
    ];
    let expected = ["_", "_", "Colwise", "Rowwise"];
    assert_eq!(styles(&CHANGED, Mode::TensorParallel, &names)?, expected);
    Ok(())
}

#[test]
fn a_row_without_a_second_column_means_both() -> Result<()> {
    assert!(CHANGED.supports(Mode::SequenceParallel));
    let expected = ["_", "SequenceParallel"];
    let names = ["lm_head", "model.norm"];
    assert_eq!(styles(&CHANGED, Mode::SequenceParallel, &names)?, expected);
    Ok(())
}

#[test]
fn plans_derive_from_derived_plans() -> Result<()> {
    let names = ["lm_head", "model.norm", "1.mlp.up_proj", "0.mlp.up_proj"];
    let expected = ["Colwise(output: Replicate)", "_", "_", "Colwise"];
    assert_eq!(styles(&TWICE, Mode::SequenceParallel, &names)?, expected);
    Ok(())
}

#[test]
fn rows_that_the_base_includes_can_change() -> Result<()> {
    let names = ["0.mlp.up_proj", "0.mlp.gate_proj"];
    let expected = ["Colwise(local: false)", "Colwise"];
    assert_eq!(
        styles(&FROM_INCLUDING, Mode::TensorParallel, &names)?,
        expected
    );
    Ok(())
}

#[test]
fn what_a_struct_holds_is_taken_back_at_once() -> Result<()> {
    let names = [
        "1.mlp.gate_proj",
        "1.mlp.up_proj",
        "1.mlp.down_proj",
        "0.mlp.down_proj",
    ];
    let expected = ["_", "Colwise(output: Replicate)", "_", "Rowwise"];
    assert_eq!(
        styles(&WHOLE_LAYER, Mode::TensorParallel, &names)?,
        expected
    );
    let exported = interop::json(&WHOLE_LAYER);
    assert!(exported["tp"].get("model.layers.1").is_none());
    Ok(())
}

#[test]
fn a_pattern_has_one_row() {
    let rows = plan::rows(&TWICE);
    let heads: Vec<_> = rows.iter().filter(|row| row.pattern == "lm_head").collect();
    assert_eq!((heads.len(), heads[0].plan.name), (1, "TWICE"));
    assert_eq!(plan::rows(&LLAMA).len() + 3, rows.len());
    let exported = &interop::json(&CHANGED)["tp"];
    assert!(exported.get("lm_head").is_none());
    assert!(exported.get("model.embed_tokens").is_some());
}
