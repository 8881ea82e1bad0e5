//! Configs as published checkpoints have them, reduced in nothing: each is read, leaves what it leaves out to the right
//! default, and its model has the parameters of transformers' class.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::Deserialize;
use tp_models as _;
use tp_runtime::explain::{Dtype, Setup, explain};
use tp_runtime::model::{self, Model};
use tp_runtime::plan::{Mode, plan_for_architecture};
use tp_tests::configs::published;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What transformers makes of a config.
#[derive(Deserialize)]
struct Expected {
    parameters: i64,
    /// How many layers have a parameter, and its shape.
    shapes: BTreeMap<String, String>,
}

#[test]
fn published_configs_make_the_parameters_of_transformers() -> Result<()> {
    let mut expected: BTreeMap<String, Expected> =
        serde_json::from_str(include_str!("fixtures/hub_configs.json"))?;
    for (name, config) in published() {
        let model = model::build(&config).map_err(|error| format!("{name}: {error}"))?;
        let expected = expected.remove(&name).ok_or_else(|| name.clone())?;
        assert_eq!(shapes(&*model), expected.shapes, "{name}");
        let parameters = model.parameters();
        let sizes = parameters.iter().map(|named| named.param.shape().iter());
        let count: i64 = sizes.map(Iterator::product::<i64>).sum();
        assert_eq!(count, expected.parameters, "{name}");
    }
    assert!(expected.is_empty(), "{:?}", expected.keys());
    Ok(())
}

/// One line for the parameters of all layers, which have to be of one shape.
fn shapes(model: &dyn Model) -> BTreeMap<String, String> {
    let mut layers: BTreeMap<String, Vec<Vec<i64>>> = BTreeMap::new();
    for named in model.parameters() {
        let is_index = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let index = named.name.split('.').find(|part| is_index(part));
        let pattern = named.name.split('.').map(|part| match is_index(part) {
            true => "*",
            false => part,
        });
        let shapes = layers.entry(pattern.collect::<Vec<_>>().join("."));
        let shapes = shapes.or_default();
        let place = index.map_or(Ok(0), str::parse);
        assert_eq!(place, Ok(shapes.len()), "{}", named.name);
        shapes.push(named.param.shape().to_vec());
    }
    let summary = layers.into_iter().map(|(pattern, shapes)| {
        let same = shapes.iter().all(|shape| *shape == shapes[0]);
        assert!(same, "{pattern}: {shapes:?}");
        (pattern, format!("{} x {:?}", shapes.len(), shapes[0]))
    });
    summary.collect()
}

#[test]
fn any_number_of_ranks_runs_a_published_config() -> Result<()> {
    for (name, config) in published() {
        let model = model::build(&config).map_err(|error| format!("{name}: {error}"))?;
        let plan = plan_for_architecture(model.node().type_name)?;
        for degree in [2, 3, 4, 5, 6, 7, 8, 16] {
            for mode in Mode::ALL {
                let setup = Setup {
                    degree: NonZeroUsize::new(degree).ok_or("no rank")?,
                    mode,
                    batch: 1,
                    sequence: 128,
                    dtype: Dtype::Bf16,
                };
                let explained = explain(plan, &*model, setup);
                let explained = explained.map_err(|error| format!("{name}: {error}"))?;
                // Every query head is on one rank, every key-value head on those that read it.
                for heads in explained.heads {
                    let held: i64 = heads.held().iter().sum();
                    let is_query = heads.count == heads.queries;
                    assert!(
                        held == heads.count || !is_query && held > heads.count,
                        "{name}"
                    );
                }
            }
        }
    }
    Ok(())
}
