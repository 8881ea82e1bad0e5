//! Weights stored as 8-bit floats: each rank reads its part, the scales of the blocks it lies in, and no more.

use std::ops::Range;

use safetensors::Dtype;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};
use tp_runtime::checkpoint::{Checkpoint, Finding, load};
use tp_runtime::module::Param;
use tp_runtime::plan::{Placement::Shard, chunk};

use crate::fixture::{Stored, filled, rank, sharded, values, write_config, write_file};

const SHAPE: [usize; 2] = [10, 7];

/// A checkpoint of one weight whose elements are whole numbers, its scales, and what is not quantized.
fn quantized(quantization: &Value, scales: Stored) -> (tempfile::TempDir, Checkpoint) {
    let dir = tempfile::tempdir().unwrap();
    let config =
        json!({ "architectures": ["LlamaForCausalLM"], "quantization_config": quantization });
    write_config(dir.path(), &config);
    let weight = filled("up.weight", Dtype::F8_E4M3, &SHAPE, whole);
    let norm = filled("norm.weight", Dtype::BF16, &[4], |index| index as f32);
    let ignored = filled("up.input_scale", Dtype::F32, &[], |_| 3.0);
    let tensors = [weight, scales, norm, ignored];
    write_file(&dir.path().join("model.safetensors"), &tensors);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    (dir, checkpoint)
}

fn whole(index: usize) -> f32 {
    (index % 31) as f32 - 15.0
}

/// Scales as a function of their place.
fn scale(index: usize) -> f32 {
    0.5 + index as f32
}

/// The weight's values where `block` rows and columns share a scale.
fn expected(block: [usize; 2]) -> Tensor {
    let across = SHAPE[1].div_ceil(block[1]);
    let value = |index: usize| {
        let (row, column) = (index / SHAPE[1], index % SHAPE[1]);
        whole(index) * scale(row / block[0] * across + column / block[1])
    };
    let values: Vec<f32> = (0..SHAPE[0] * SHAPE[1]).map(value).collect();
    Tensor::from_slice(&values).view([SHAPE[0] as i64, SHAPE[1] as i64])
}

fn scales(name: &'static str, shape: &[usize]) -> Stored {
    filled(name, Dtype::F32, shape, scale)
}

/// Quantization configs, scales, and the rows and columns that share one.
fn cases() -> Vec<(Value, Stored, [usize; 2])> {
    let fp8 = |block: Value| json!({ "quant_method": "fp8", "weight_block_size": block });
    let group = json!({ "type": "float", "num_bits": 8 });
    let compressed = json!({
        "quant_method": "compressed-tensors", "config_groups": { "group_0": { "weights": group } }
    });
    let modelopt = json!({ "quant_method": "modelopt", "quant_algo": "FP8" });
    vec![
        // Blocks that no degree divides, the last one shorter in both dimensions.
        (
            fp8(json!([4, 3])),
            scales("up.weight_scale_inv", &[3, 3]),
            [4, 3],
        ),
        (
            fp8(json!([128, 128])),
            scales("up.weight_scale_inv", &[1, 1]),
            SHAPE,
        ),
        (fp8(Value::Null), scales("up.weight_scale_inv", &[]), SHAPE),
        (fp8(Value::Null), scales("up.scale", &[1]), SHAPE),
        (
            json!({ "quant_method": "fbgemm_fp8" }),
            scales("up.weight_scale", &[10, 1]),
            [1, 7],
        ),
        (compressed, scales("up.weight_scale", &[10, 1]), [1, 7]),
        (modelopt.clone(), scales("up.weight_scale", &[10]), [1, 7]),
        (modelopt, scales("up.weight_scale", &[]), SHAPE),
    ]
}

#[test]
fn a_weight_is_read_as_what_it_stands_for() {
    for (config, scales, block) in cases() {
        let (_dir, checkpoint) = quantized(&config, scales);
        let read = |kind| checkpoint.read("up.weight", kind, Device::Cpu).unwrap();
        let expected = expected(block);
        assert_eq!(read(Kind::Float), expected, "{config}");
        assert_eq!(read(Kind::BFloat16), expected.to_kind(Kind::BFloat16));
        let names: Vec<&str> = checkpoint.tensors().map(|(name, _)| name).collect();
        assert_eq!(names, ["norm.weight", "up.weight"]);
    }
}

#[test]
fn each_rank_reads_its_part_and_the_scales_it_needs() {
    let touched = |range: &Range<i64>, block: i64| match range.is_empty() {
        true => 0,
        false => (range.end - 1) / block - range.start / block + 1,
    };
    for (config, scales, block) in cases() {
        let counts = [0, 1].map(|dim| SHAPE[dim].div_ceil(block[dim]) as i64);
        let (_dir, checkpoint) = quantized(&config, scales);
        let expected = expected(block);
        for (dim, world_size) in [(0, 1), (0, 2), (0, 4), (1, 2), (1, 3), (0, 12)] {
            for index in 0..world_size {
                let params = [
                    ("up.weight", Param::new(&[10, 7])),
                    ("norm.weight", Param::new(&[4])),
                ];
                let placed = sharded(&params, &[Shard(dim as i64)]);
                let report = load(&checkpoint, &placed, &rank(index, world_size)).unwrap();
                let own = chunk(SHAPE[dim] as i64, index, world_size);
                let length = own.end - own.start;
                let wanted = expected.narrow(dim as i64, own.start, length);
                assert_eq!(
                    values(&params[0].1.local()),
                    values(&wanted),
                    "{config}, {index} of {world_size}"
                );
                let scales = match counts[dim] {
                    1 => counts[1 - dim],
                    _ => touched(&own, block[dim] as i64) * counts[1 - dim],
                };
                let bytes = length * SHAPE[1 - dim] as i64 + 4 * scales + 2 * 4;
                assert_eq!(
                    report.bytes_read, bytes as u64,
                    "{config}, {index} of {world_size}"
                );
                assert_eq!(
                    report.findings,
                    [Finding::Fp8 {
                        count: 1,
                        kind: Kind::Float
                    }]
                );
            }
        }
    }
}

#[test]
fn scales_may_be_powers_of_two() {
    let dir = tempfile::tempdir().unwrap();
    let config =
        json!({ "quant_method": "fp8", "weight_block_size": [1, 2], "scale_fmt": "ue8m0" });
    write_config(dir.path(), &json!({ "quantization_config": config }));
    let weight = filled("up.weight", Dtype::F8_E4M3, &[1, 4], |index| index as f32);
    let scales = Stored {
        name: "up.weight_scale_inv",
        dtype: Dtype::F8_E8M0,
        shape: vec![1, 2],
        bytes: vec![127, 125],
    };
    write_file(&dir.path().join("model.safetensors"), &[weight, scales]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let read = checkpoint
        .read("up.weight", Kind::Float, Device::Cpu)
        .unwrap();
    assert_eq!(values(&read), [0.0, 1.0, 0.5, 0.75]);
}

#[test]
fn scales_that_fit_no_blocks_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let config = json!({ "quant_method": "fp8", "weight_block_size": [4, 4] });
    write_config(dir.path(), &json!({ "quantization_config": config }));
    let weight = filled("up.weight", Dtype::F8_E4M3, &SHAPE, whole);
    let tensors = [weight, scales("up.weight_scale_inv", &[4, 2])];
    write_file(&dir.path().join("model.safetensors"), &tensors);
    let Err(error) = Checkpoint::open(dir.path()) else {
        panic!("it opened");
    };
    let expected = "`up.weight_scale_inv` of shape [4, 2] does not fit `up.weight` of shape [10, 7]: \
                    there has to be one scale for the weight, for each row or for each block of the size that \
                    `quantization_config` gives";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_weight_without_scales_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write_config(
        dir.path(),
        &json!({ "quantization_config": { "quant_method": "fp8" } }),
    );
    let weight = filled("up.weight", Dtype::F8_E4M3, &SHAPE, whole);
    write_file(&dir.path().join("model.safetensors"), &[weight]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let params = [("up.weight", Param::new(&[10, 7]))];
    let error = load(&checkpoint, &sharded(&params, &[]), &rank(0, 1)).unwrap_err();
    let part = "`up.weight` in `model.safetensors` is stored as F8_E4M3, not as F32, F16 or BF16, \
                nor as FP8 with scales beside it and a `quantization_config` that tells of them";
    assert!(error.to_string().contains(part), "{error}");
}
