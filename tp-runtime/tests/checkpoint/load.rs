//! Whole models: each rank's part and no more, and everything that does not fit at once.

use safetensors::Dtype;
use tch::{Kind, Tensor};
use tp_runtime::checkpoint::{Checkpoint, LoadReport, load};
use tp_runtime::module::{Param, ShardedParam};
use tp_runtime::plan::Placement::{self, Shard};

use crate::fixture::{Stored, counting, filled, named, rank, sharded, values, write};

fn stored() -> Vec<Stored> {
    vec![
        counting("embed.weight", Dtype::F32, &[257, 4]),
        counting("up.weight", Dtype::F16, &[6, 4]),
        counting("down.weight", Dtype::BF16, &[4, 6]),
        counting("norm.weight", Dtype::F32, &[4]),
    ]
}

fn params() -> [(&'static str, Param); 4] {
    [
        ("embed.weight", Param::new(&[257, 4])),
        ("up.weight", Param::new(&[6, 4])),
        ("down.weight", Param::new(&[4, 6])),
        ("norm.weight", Param::new(&[4])),
    ]
}

const PLACEMENTS: [Placement; 3] = [Shard(0), Shard(0), Shard(1)];

#[test]
fn each_rank_reads_its_part() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &stored());
    let whole = params();
    load(
        &Checkpoint::open(dir.path()).unwrap(),
        &sharded(&whole, &PLACEMENTS),
        &rank(0, 1),
    )
    .unwrap();
    for world_size in [2, 4, 5] {
        let mut parts = Vec::new();
        for index in 0..world_size {
            let part = params();
            let checkpoint = Checkpoint::open(dir.path()).unwrap();
            let placed = sharded(&part, &PLACEMENTS);
            let report = load(&checkpoint, &placed, &rank(index, world_size)).unwrap();
            let count = |index: usize| part[index].1.local().numel() as u64;
            assert_eq!(
                report,
                LoadReport {
                    bytes_read: 4 * count(0) + 2 * count(1) + 2 * count(2) + 4 * 4,
                    parameter_bytes: 4 * (count(0) + count(1) + count(2) + 4),
                    findings: Vec::new(),
                }
            );
            assert_eq!(checkpoint.bytes_read(), report.bytes_read);
            for ShardedParam {
                param, sharding, ..
            } in placed
            {
                let wanted = sharding.local_shape(param.shape(), index, world_size);
                assert_eq!(param.local().size(), wanted);
                assert_eq!(param.local().kind(), Kind::Float);
                assert!(!param.local().requires_grad());
            }
            parts.push(part);
        }
        for (index, dim) in [(0, 0), (1, 0), (2, 1)] {
            let locals: Vec<Tensor> = parts.iter().map(|part| part[index].1.local()).collect();
            assert_eq!(Tensor::cat(&locals, dim), whole[index].1.local());
        }
    }
}

#[test]
fn a_tied_parameter_is_found_under_either_name() {
    let dir = tempfile::tempdir().unwrap();
    let table = |name| counting(name, Dtype::F32, &[3, 2]);
    for stored in [
        vec![table("embed.weight")],
        vec![table("lm_head.weight")],
        vec![table("embed.weight"), table("lm_head.weight")],
    ] {
        write(dir.path(), &stored);
        let params = [("embed.weight", Param::new(&[3, 2]))];
        let mut named = named(&params);
        named[0].tied.push("lm_head.weight".to_owned());
        let report = load(&Checkpoint::open(dir.path()).unwrap(), &named, &rank(0, 1)).unwrap();
        assert_eq!(report.bytes_read, 24);
        assert_eq!(
            values(&params[0].1.local()),
            [0.0, 0.125, 0.25, 0.375, 0.5, 0.625]
        );
    }
}

/// What loading says of a table of two names that is stored under both.
fn tied(table: Stored, head: Stored) -> String {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[table, head]);
    let params = [("embed.weight", Param::new(&[3, 2]))];
    let mut named = named(&params);
    named[0].tied.push("lm_head.weight".to_owned());
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    match load(&checkpoint, &named, &rank(0, 1)) {
        Ok(_) => "tied".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_tied_parameter_that_is_stored_twice_has_to_be_the_same() {
    let table = |dtype| counting("embed.weight", dtype, &[3, 2]);
    let same = |dtype| counting("lm_head.weight", dtype, &[3, 2]);
    assert_eq!(tied(table(Dtype::F32), same(Dtype::F32)), "tied");
    assert_eq!(tied(table(Dtype::F32), same(Dtype::BF16)), "tied");
    for dtype in [Dtype::F32, Dtype::F16] {
        let other = filled("lm_head.weight", dtype, &[3, 2], |index| index as f32);
        assert_eq!(
            tied(table(Dtype::F32), other),
            "`embed.weight` and `lm_head.weight` are one parameter in the model, and stored with different values: \
             say `\"tie_word_embeddings\": false` in `config.json`, or store one of them"
        );
    }
    let longer = counting("lm_head.weight", Dtype::F32, &[4, 2]);
    let message = tied(table(Dtype::F32), longer);
    assert!(
        message.contains(
            "`lm_head.weight` in `model.safetensors` has shape [4, 2], \
             the model needs [3, 2] as of `embed.weight`, which it is tied to"
        ),
        "{message}"
    );
}

#[test]
fn buffers_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut stored = stored();
    stored.push(counting("embeddings.position_ids", Dtype::I64, &[2]));
    stored.push(counting("layers.0.rotary_emb.inv_freq", Dtype::I64, &[2]));
    write(dir.path(), &stored);
    load(
        &Checkpoint::open(dir.path()).unwrap(),
        &named(&params()),
        &rank(0, 1),
    )
    .unwrap();
}

/// What loading says after the folder's name.
fn misfit(stored: &[Stored], params: &[(&str, Param)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), stored);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let message = load(&checkpoint, &named(params), &rank(0, 1))
        .unwrap_err()
        .to_string();
    assert_eq!(checkpoint.bytes_read(), 0);
    let start = format!(
        "the checkpoint `{}` does not fit the model:\n",
        dir.path().display()
    );
    message
        .strip_prefix(&start)
        .expect("it names the folder")
        .to_owned()
}

#[test]
fn everything_that_does_not_fit_is_told_at_once() {
    let mut stored = stored();
    stored[0] = counting("embed.weight", Dtype::F32, &[256, 4]);
    stored[1].name = "up_proj.weight";
    stored[3] = counting("norm.weight", Dtype::F8_E4M3, &[4]);
    stored.push(counting("lm_head.weight", Dtype::F32, &[257, 4]));
    assert_eq!(
        misfit(&stored, &params()),
        "  `embed.weight` in `model.safetensors` has shape [256, 4], the model needs [257, 4]
  `norm.weight` in `model.safetensors` is stored as F8_E4M3, not as F32, F16 or BF16, \
nor as FP8 with scales beside it and a `quantization_config` that tells of them
  no tensor for the parameter `up.weight`
  no parameter for `lm_head.weight` in `model.safetensors`
  no parameter for `up_proj.weight` in `model.safetensors`
check that `config.json` belongs to these weights"
    );
}

#[test]
fn a_mistyped_name_gets_the_nearest() {
    let stored = vec![counting(
        "model.layers.0.mlp.up_prj.weight",
        Dtype::F32,
        &[2, 2],
    )];
    let params = [("model.layers.0.mlp.up_proj.weight", Param::new(&[2, 2]))];
    let message = misfit(&stored, &params);
    assert!(message.contains(
        "no tensor for the parameter `model.layers.0.mlp.up_proj.weight`: \
         did you mean `model.layers.0.mlp.up_prj.weight`?"
    ));
    assert!(message.contains(
        "no parameter for `model.layers.0.mlp.up_prj.weight` in `model.safetensors`: \
         did you mean `model.layers.0.mlp.up_proj.weight`?"
    ));
}

#[test]
fn many_faults_are_counted() {
    let names: Vec<String> = (0..25)
        .map(|layer| format!("layers.{layer}.weight"))
        .collect();
    let params: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), Param::new(&[2])))
        .collect();
    let message = misfit(&[], &params);
    assert_eq!(message.lines().count(), 12);
    assert!(message.contains("\n  and 15 more\n"), "{message}");
}
