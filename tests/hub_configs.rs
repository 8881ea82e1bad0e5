//! Configs as published checkpoints have them, in the spelling of transformers 4 or 5: each is read, leaves
//! what it leaves out to the right default, and its model has as many parameters as the published one.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tp_models as _;
use tp_runtime::model;

#[test]
fn published_configs_have_as_many_parameters_as_published() -> Result<(), Box<dyn std::error::Error>>
{
    let published: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("fixtures/hub_configs.json"))?;
    for (name, checkpoint) in published {
        let model =
            model::build(&checkpoint["config"]).map_err(|error| format!("{name}: {error}"))?;
        let sizes = model.parameters();
        let sizes = sizes
            .iter()
            .map(|named| named.param.shape().iter().product::<i64>());
        assert_eq!(sizes.sum::<i64>(), checkpoint["parameters"], "{name}");
    }
    Ok(())
}

#[test]
fn a_field_of_another_type_is_named_as_its_config_names_it() {
    for (architecture, field) in [
        ("LlamaForCausalLM", "rms_norm_eps"),
        ("PhiForCausalLM", "layer_norm_eps"),
        ("Gemma3ForCausalLM", "hidden_activation"),
    ] {
        let config = json!({ "architectures": [architecture], field: "unknown" });
        let error = model::build(&config).err().map(|error| error.to_string());
        let named = format!("`{field}`");
        assert!(
            error.as_ref().is_some_and(|text| text.contains(&named)),
            "{error:?}"
        );
    }
}
