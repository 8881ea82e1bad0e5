//! Every default plan equals AutoModel's table for the same class, row for row, in both modes.

use std::collections::BTreeMap;

use serde_json::Value;
use tp_models as _;
use tp_runtime::plan;
use tp_runtime::{Result, interop};

/// What AutoModel has for a class: `tp` and `sp`, each from pattern to style.
type Tables = BTreeMap<String, Value>;

fn automodel() -> BTreeMap<String, Tables> {
    let classes: BTreeMap<String, Tables> =
        serde_json::from_str(include_str!("fixtures/automodel_plans.json")).expect("is such a map");
    let short = |class: String| class.rsplit('.').next().map(str::to_owned);
    classes
        .into_iter()
        .filter_map(|(class, tables)| Some((short(class)?, tables)))
        .collect()
}

macro_rules! equal_automodels {
    ($($test:ident: $class:literal,)*) => {
        const CLASSES: &[&str] = &[$($class),*];
        $(#[test] fn $test() -> Result<()> { check($class) })*
    };
}

equal_automodels! {
    llama: "LlamaForCausalLM",
    qwen2: "Qwen2ForCausalLM",
    qwen3: "Qwen3ForCausalLM",
    qwen3_classifier: "Qwen3ForSequenceClassification",
    gemma3: "Gemma3ForCausalLM",
    gemma3_with_images: "Gemma3ForConditionalGeneration",
    ministral3: "Ministral3ForCausalLM",
    mistral3_with_images: "Mistral3ForConditionalGeneration",
    phi3: "Phi3ForCausalLM",
    phi2: "PhiForCausalLM",
}

fn check(class: &str) -> Result<()> {
    let ours = interop::json(plan::plan_for_architecture(class)?);
    for (mode, theirs) in &automodel()[class] {
        assert_eq!(&ours[mode], theirs, "{class}, {mode}");
    }
    Ok(())
}

#[test]
fn no_class_is_left_out() {
    let theirs = automodel();
    let mut known: Vec<&str> = CLASSES.to_vec();
    known.sort_unstable();
    assert_eq!(theirs.keys().collect::<Vec<_>>(), known);
}
