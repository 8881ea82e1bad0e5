//! `assert_shards!`: what rustc says of sizes is what `resolve` says of the model that has them.

use serde_json::{Value, json};
use tp_models::llama::LLAMA;
use tp_models::phi3::{PHI3, PHI3_FUSED};
use tp_models::published::{
    GEMMA_3_27B, LLAMA_3_8B, LLAMA_3_70B, MINISTRAL_3_8B, PHI_2, PHI_3_MINI, QWEN2_5_7B, QWEN3_8B,
};
use tp_models::qwen2::QWEN2;
use tp_runtime::plan::{self, Item, Mode, Plan, Row, Size, StyleKind, check};
use tp_runtime::{Result, assert_shards, model};

assert_shards!(LLAMA, LLAMA_3_8B, tp = 8);
assert_shards!(LLAMA, LLAMA_3_8B, tp = 32);
assert_shards!(LLAMA, LLAMA_3_70B, tp = 3);
assert_shards!(QWEN2, QWEN2_5_7B, tp = 8);
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

/// Compares what rustc says with whether the plan leaves a rank without a part of some parameter.
fn assert_agree(plan: &'static Plan, sizes: &[Size], head_dim: i64) -> Result<()> {
    let model = model::build(&config(plan.model(), sizes, head_dim))?;
    let layers = model.layers();
    let resolution = plan::resolve(plan, &layers, Mode::TensorParallel)?;
    let parameters = resolution.parameters(&layers);
    for degree in 1..=40 {
        let empty = parameters.iter().find(|named| {
            let lengths = named.sharding.split();
            let is_empty = |rank| lengths.is_some_and(|(_, of)| of.length(rank, degree) == 0);
            (0..degree).any(is_empty)
        });
        assert_eq!(
            check::divide(plan, sizes, degree).is_ok(),
            empty.is_none(),
            "{} on {degree} ranks: {:?}",
            plan.name,
            empty.map(|named| &named.name),
        );
    }
    Ok(())
}

#[test]
fn rustc_and_resolve_find_the_same_ranks_empty() -> Result<()> {
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
fn fused_heads_are_divided_by_their_segments() -> Result<()> {
    let sizes = [
        Size::features("vocab_size", 640),
        Size::features("hidden_size", 128),
        Size::features("intermediate_size", 640),
        Size::heads("num_attention_heads", 8),
        Size::key_value_heads("num_key_value_heads", 2),
    ];
    assert_agree(&PHI3_FUSED, &sizes, 16)?;
    assert!(check::divide(&PHI3_FUSED, &sizes, 8).is_ok());
    assert!(check::divide(&PHI3_FUSED, &sizes, 9).is_err());
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

/// On line 12, whatever the file: query heads by rows of the weight, or by columns of another size.
const fn query_row(kind: StyleKind) -> Item {
    let style = Some(kind.style());
    Item::Row(Row::new("model.layers.*.self_attn.q_proj", style).on_line(12))
}

static BASE: Plan = llama_plan("BASE", None, &[query_row(StyleKind::Colwise)]);
static COLUMNS: Plan = llama_plan("COLUMNS", Some(&BASE), &[query_row(StyleKind::Rowwise)]);
static ROWS: Plan = llama_plan("ROWS", Some(&COLUMNS), &[query_row(StyleKind::Colwise)]);
static UNCHANGED: Plan = llama_plan("UNCHANGED", Some(&COLUMNS), &[]);

#[test]
fn a_row_replaces_its_base_s_though_pattern_and_line_are_the_same() {
    let sizes = LLAMA_3_8B.sizes();
    let allowed = |plan| check::divide(plan, &sizes, 64).is_ok();
    assert!(!allowed(&BASE), "32 heads on 64 ranks");
    assert!(allowed(&COLUMNS), "4096 features");
    assert!(!allowed(&ROWS));
    assert!(allowed(&UNCHANGED));
}

#[test]
fn no_rank_is_left_with_nothing() {
    let features = Size::features("vocab_size", 5);
    let allowed: Vec<i64> = (1..=6)
        .filter(|degree| features.is_enough_for(*degree))
        .collect();
    assert_eq!(allowed, [1, 2, 3, 5]);
}
