//! `assert_shards!`: what rustc says of sizes is what `resolve` says of the model that has them.

use serde_json::{Value, json};
use tp_models::llama::{LLAMA, LLAMA_SHARED_KV};
use tp_models::phi3::{PHI3, PHI3_FUSED};
use tp_models::published::{
    GEMMA_3_27B, LLAMA_3_8B, LLAMA_3_70B, MINISTRAL_3_8B, PHI_2, PHI_3_MINI, QWEN2_5_7B, QWEN3_8B,
};
use tp_runtime::plan::{self, Item, Mode, Plan, Row, Size, StyleKind, check};
use tp_runtime::{Result, assert_shards, model};

assert_shards!(LLAMA, LLAMA_3_8B, tp = 8);
assert_shards!(LLAMA_SHARED_KV, LLAMA_3_8B, tp = 32);
assert_shards!(LLAMA_SHARED_KV, LLAMA_3_70B, tp = 16);
assert_shards!(tp_models::qwen3::QWEN3, QWEN3_8B, tp = 4,);
assert_shards!(PHI3, PHI_3_MINI, tp = 2 * 4);

/// A model of one layer whose config has these sizes.
fn config(architecture: &str, sizes: &[Size], head_dim: i64) -> Value {
    let mut config = json!({
        "architectures": [architecture],
        "num_hidden_layers": 1,
        "head_dim": head_dim,
        "pad_token_id": null,
    });
    for size in sizes {
        config[size.name] = size.count.into();
    }
    config
}

/// Compares the verdicts on degrees at which every rank has some of all features.
fn assert_agree(plan: &'static Plan, sizes: &[Size], head_dim: i64) -> Result<()> {
    let model = model::build(&config(plan.model(), sizes, head_dim))?;
    let layers = model.layers();
    for degree in 1..=40 {
        let resolved = plan::resolve(plan, &layers, degree, Mode::TensorParallel);
        let refused = resolved.err().map(|error| error.to_string());
        assert_eq!(
            check::divide(plan, sizes, degree).is_ok(),
            refused.is_none(),
            "{} on {degree} ranks: {refused:?}",
            plan.name
        );
    }
    Ok(())
}

#[test]
fn rustc_and_resolve_allow_the_same_degrees() -> Result<()> {
    for plan in plan::plans() {
        let (sizes, head_dim) = match plan.model() {
            "LlamaForCausalLM" => (LLAMA_3_8B.sizes(), 128),
            "Qwen2ForCausalLM" => (QWEN2_5_7B.sizes(), 128),
            "Qwen3ForCausalLM" => (QWEN3_8B.sizes(), 128),
            "Gemma3ForCausalLM" => (GEMMA_3_27B.sizes(), 128),
            "Ministral3ForCausalLM" => (MINISTRAL_3_8B.sizes(), 128),
            "PhiForCausalLM" => (PHI_2.sizes(), 80),
            "Phi3ForCausalLM" => (PHI_3_MINI.sizes(), 96),
            _ => continue,
        };
        assert_agree(plan, &sizes, head_dim)?;
    }
    Ok(())
}

#[test]
fn fused_heads_are_shared_by_their_segments() -> Result<()> {
    let sizes = [
        Size::features("vocab_size", 640),
        Size::features("hidden_size", 128),
        Size::features("intermediate_size", 640),
        Size::heads("num_attention_heads", 8),
        Size::heads("num_key_value_heads", 2),
    ];
    assert_agree(&PHI3_FUSED, &sizes, 16)?;
    assert!(check::divide(&PHI3_FUSED, &sizes, 8).is_ok());
    assert!(check::divide(&PHI3_FUSED, &sizes, 16).is_err());
    Ok(())
}

/// A plan for Llama with these rows.
const fn llama_plan(
    name: &'static str,
    base: Option<&'static Plan>,
    items: &'static [Item],
) -> Plan {
    Plan {
        name,
        base,
        items,
        ..LLAMA
    }
}

/// On line 12, whatever the file.
const fn key_row(share_heads: bool) -> Item {
    let mut style = StyleKind::Colwise.style();
    style.share_heads = share_heads;
    Item::Row(Row::new("model.layers.*.self_attn.k_proj", Some(style)).on_line(12))
}

static BASE: Plan = llama_plan("BASE", None, &[key_row(false)]);
static SHARED: Plan = llama_plan("SHARED", Some(&BASE), &[key_row(true)]);
static WHOLE: Plan = llama_plan("WHOLE", Some(&SHARED), &[key_row(false)]);
static UNCHANGED: Plan = llama_plan("UNCHANGED", Some(&SHARED), &[]);

#[test]
fn a_row_replaces_its_base_s_though_pattern_and_line_are_the_same() {
    let sizes = LLAMA_3_8B.sizes();
    let allowed = |plan| check::divide(plan, &sizes, 16).is_ok();
    assert!(!allowed(&BASE), "8 key-value heads on 16 ranks");
    assert!(allowed(&SHARED));
    assert!(!allowed(&WHOLE));
    assert!(allowed(&UNCHANGED));
}

#[test]
fn no_rank_is_left_with_nothing() {
    let features = Size::features("vocab_size", 5);
    let allowed: Vec<i64> = (1..=6)
        .filter(|degree| features.allows(*degree, false))
        .collect();
    assert_eq!(allowed, [1, 2, 3, 5]);
}
