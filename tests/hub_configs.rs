//! Configs as published checkpoints have them, in the spelling of transformers 4 or 5: each is read, leaves
//! what it leaves out to the right default, and its model has as many parameters as the published one.

use std::collections::BTreeMap;

use serde_json::Value;
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
