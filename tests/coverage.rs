//! What rustc proves of a model's tree holds for every configuration: no layer is forgotten.

use std::collections::BTreeSet;

use tp_models as _;
use tp_runtime::model;
use tp_runtime::plan::{self, Mode, ModuleKind, PlanError};
use tp_tests::configs;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[test]
fn every_linear_layer_and_embedding_of_every_configuration_has_a_row() -> Result<()> {
    let mut architectures = BTreeSet::new();
    for (name, config) in configs::published().into_iter().chain(configs::tiny()) {
        let model = model::build(&config)?;
        architectures.insert(model.node().type_name);
        let plans = plan::plans().into_iter();
        for plan in plans.filter(|plan| plan.node.type_path == model.node().type_path) {
            let resolution = match plan::resolve(plan, &model.layers(), Mode::TensorParallel) {
                // A plan for models whose head is their own.
                Err(PlanError::TiedParameter { .. }) => continue,
                outcome => outcome?,
            };
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
