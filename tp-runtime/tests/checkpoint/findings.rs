//! What a checkpoint holds otherwise than its model has it: loaded all the same, and said.

use safetensors::Dtype;
use serde_json::{Map, json};
use tp_runtime::checkpoint::{Checkpoint, Finding, LoadOptions, load};
use tp_runtime::module::{FreshHead, Param};
use tp_runtime::plan::Placement::Shard;

use crate::fixture::{
    Stored, counting, named, rank, sharded, values, write, write_file, write_index,
};

fn params() -> [(&'static str, Param); 2] {
    [
        ("model.embed.weight", Param::new(&[3, 2])),
        ("model.norm.weight", Param::new(&[2])),
    ]
}

#[test]
fn a_prefix_that_all_names_have_or_lack_is_found() {
    let stored = |names: [&'static str; 2]| {
        let [embed, norm] = names;
        [
            counting(embed, Dtype::F32, &[3, 2]),
            counting(norm, Dtype::F32, &[2]),
        ]
    };
    for (names, removed, added, text) in [
        (
            [
                "_orig_mod.model.embed.weight",
                "_orig_mod.model.norm.weight",
            ],
            "_orig_mod.",
            "",
            "have a `_orig_mod.` in front",
        ),
        (
            ["embed.weight", "norm.weight"],
            "",
            "model.",
            "lack the `model.`",
        ),
        (
            ["module.embed.weight", "module.norm.weight"],
            "module.",
            "model.",
            "have a `module.` for the `model.`",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &stored(names));
        let checkpoint = Checkpoint::open(dir.path()).unwrap();
        let params = params();
        let report = load(&checkpoint, &named(&params), &rank(0, 1)).unwrap();
        assert_eq!(values(&params[1].1.local()), [0.0, 0.125]);
        let (removed, added) = (removed.to_owned(), added.to_owned());
        assert_eq!(report.findings, [Finding::Prefix { removed, added }]);
        let said = report.findings[0].to_string();
        assert!(said.contains(text), "{said}");
    }
}

#[test]
fn tensors_that_the_index_leaves_out_are_read() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[]);
    std::fs::remove_file(dir.path().join("model.safetensors")).unwrap();
    let file = "model-00001-of-00001.safetensors";
    let tensors = [
        counting("model.embed.weight", Dtype::F32, &[3, 2]),
        counting("model.norm.weight", Dtype::F32, &[2]),
    ];
    write_file(&dir.path().join(file), &tensors);
    let listed = [("model.embed.weight".to_owned(), json!(file))];
    write_index(dir.path(), Map::from_iter(listed));
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let report = load(&checkpoint, &named(&params()), &rank(0, 1)).unwrap();
    let index = dir.path().join("model.safetensors.index.json");
    let said = format!(
        "`{}` leaves out 1 of the tensors in its files, first `model.norm.weight`: they are read, too",
        index.display()
    );
    assert_eq!(
        report
            .findings
            .iter()
            .map(Finding::to_string)
            .collect::<Vec<_>>(),
        [said]
    );
}

/// A model with scores, from the checkpoint of a language model.
fn with_head(
    stored: &[Stored],
    index: usize,
    world_size: usize,
    seed: u64,
) -> Result<(Vec<f32>, Vec<Finding>), String> {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), stored);
    let params = [
        ("score.weight", Param::new(&[6, 4])),
        ("norm.weight", Param::new(&[4])),
    ];
    let options = LoadOptions {
        fresh_head: FreshHead {
            parameters: &["score.weight"],
            replaces: &["lm_head.weight"],
        },
        seed,
        std: 0.02,
        ..rank(index, world_size)
    };
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let report = load(&checkpoint, &sharded(&params, &[Shard(0)]), &options);
    let report = report.map_err(|error| error.to_string())?;
    Ok((values(&params[0].1.local()), report.findings))
}

#[test]
fn a_head_that_is_not_stored_starts_anew_alike_at_any_degree() {
    let stored = [
        counting("norm.weight", Dtype::F32, &[4]),
        counting("lm_head.weight", Dtype::F32, &[8, 4]),
    ];
    let (whole, findings) = with_head(&stored, 0, 1, 7).unwrap();
    let said: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert_eq!(
        said,
        [
            "`lm_head.weight` belongs to another head than the model's: it is not read",
            "the checkpoint has no `score.weight`: it starts from random numbers (seed 7)",
        ]
    );
    assert!(whole.iter().all(|value| value.abs() < 0.1) && whole[0] != whole[1]);
    let parts = (0..4).flat_map(|index| with_head(&stored, index, 4, 7).unwrap().0);
    assert_eq!(parts.collect::<Vec<_>>(), whole);
    assert_ne!(with_head(&stored, 0, 1, 8).unwrap().0, whole);
}

#[test]
fn whatever_else_is_missing_is_an_error() {
    let message = with_head(&[counting("score.weight", Dtype::F32, &[6, 4])], 0, 1, 0).unwrap_err();
    assert!(
        message.contains("no tensor for the parameter `norm.weight`"),
        "{message}"
    );
}
