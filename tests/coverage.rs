//! What rustc proves of a model's tree holds for every configuration: no layer is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use tp_models as _;
use tp_runtime::model;
use tp_runtime::plan::{self, Mode, ModuleKind};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The configs of published checkpoints and of the fixtures, by name.
fn configs() -> Result<BTreeMap<String, Value>> {
    let published: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("fixtures/hub_configs.json"))?;
    let mut configs: BTreeMap<_, _> = published
        .into_iter()
        .map(|(name, mut checkpoint)| (name, checkpoint["config"].take()))
        .collect();
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"))? {
        let file = folder?.path().join("config.json");
        if file.exists() {
            let config = serde_json::from_str(&fs::read_to_string(&file)?)?;
            configs.insert(file.display().to_string(), config);
        }
    }
    Ok(configs)
}

#[test]
fn every_linear_layer_and_embedding_of_every_configuration_has_a_row() -> Result<()> {
    let mut architectures = BTreeSet::new();
    for (name, config) in configs()? {
        let model = model::build(&config)?;
        architectures.insert(model.node().type_name);
        let plans = plan::plans().into_iter();
        for plan in plans.filter(|plan| plan.node.type_path == model.node().type_path) {
            let resolution = plan::resolve(plan, &model.layers(), Mode::TensorParallel)?;
            for layer in resolution.layers {
                let asked = matches!(layer.kind, ModuleKind::Linear | ModuleKind::Embedding);
                let (plan, path) = (plan.name, layer.path);
                assert!(!asked || layer.row.is_some(), "{plan} on {name}: {path}");
            }
        }
    }
    let all: BTreeSet<_> = model::models()
        .iter()
        .map(|entry| entry.architecture())
        .collect();
    assert_eq!(architectures, all);
    Ok(())
}
