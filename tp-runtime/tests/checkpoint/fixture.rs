//! Small checkpoints written with the `safetensors` crate, and models of a few parameters.

use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize_to_file};
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};
use tp_runtime::checkpoint::LoadOptions;
use tp_runtime::module::{FreshHead, Param, ShardedParam, Sharding};
use tp_runtime::plan::Placement;

/// A tensor to be stored: its name, shape and values.
pub(crate) struct Stored {
    pub(crate) name: &'static str,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// A tensor whose elements are `0, 1, 2, …`, each divided by eight: exact in every type for small ones.
pub(crate) fn counting(name: &'static str, dtype: Dtype, shape: &[usize]) -> Stored {
    filled(name, dtype, shape, |index| index as f32 / 8.0)
}

/// A tensor of given elements.
pub(crate) fn filled(
    name: &'static str,
    dtype: Dtype,
    shape: &[usize],
    value: impl Fn(usize) -> f32,
) -> Stored {
    let values = (0..shape.iter().product()).map(value);
    let bytes = match dtype {
        Dtype::F32 => values.flat_map(f32::to_le_bytes).collect(),
        Dtype::F16 => values
            .flat_map(|value| half::f16::from_f32(value).to_le_bytes())
            .collect(),
        Dtype::BF16 => values
            .flat_map(|value| half::bf16::from_f32(value).to_le_bytes())
            .collect(),
        Dtype::I64 => values
            .flat_map(|value| (value as i64).to_le_bytes())
            .collect(),
        Dtype::F8_E4M3 => values.map(fp8).collect(),
        other => panic!("no values of {other} here"),
    };
    Stored {
        name,
        dtype,
        shape: shape.to_vec(),
        bytes,
    }
}

/// The 8-bit float of a small number: an eighth at least, of three bits after the first.
fn fp8(value: f32) -> u8 {
    let sign = u8::from(value < 0.0) << 7;
    let bits = value.abs().to_bits();
    match value {
        0.0 => 0,
        // Four bits of exponent, biased by 7, and three of the fraction.
        _ => sign | ((((bits >> 23) + 7 - 127) as u8) << 3) | ((bits >> 20) & 7) as u8,
    }
}

/// Writes one safetensors file.
pub(crate) fn write_file(path: &Path, tensors: &[Stored]) {
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
        (tensor.name, view.expect("shape and bytes agree"))
    });
    serialize_to_file(views, None, path).expect("the folder is there");
}

/// Writes a checkpoint of one file.
pub(crate) fn write(dir: &Path, tensors: &[Stored]) {
    write_config(dir, &json!({ "architectures": ["LlamaForCausalLM"] }));
    write_file(&dir.join("model.safetensors"), tensors);
}

/// Writes `config.json`.
pub(crate) fn write_config(dir: &Path, config: &Value) {
    std::fs::write(dir.join("config.json"), config.to_string()).expect("the folder is there");
}

/// Writes a checkpoint of several files with their index.
pub(crate) fn write_indexed(dir: &Path, files: &[(&str, Vec<Stored>)]) {
    write_config(dir, &json!({ "architectures": ["LlamaForCausalLM"] }));
    for (file, tensors) in files {
        write_file(&dir.join(file), tensors);
    }
    let names = files.iter().flat_map(|(file, tensors)| {
        tensors
            .iter()
            .map(move |tensor| (tensor.name.to_owned(), Value::from(*file)))
    });
    write_index(dir, names.collect());
}

/// Writes the index of a checkpoint.
pub(crate) fn write_index(dir: &Path, weight_map: serde_json::Map<String, Value>) {
    let index = json!({ "metadata": {}, "weight_map": weight_map });
    std::fs::write(dir.join("model.safetensors.index.json"), index.to_string())
        .expect("the folder is there");
}

/// Parameters under their names, whole on every rank.
pub(crate) fn named<'a>(params: &'a [(&str, Param)]) -> Vec<ShardedParam<'a>> {
    sharded(params, &[])
}

/// Parameters under their names, the first of them placed so.
pub(crate) fn sharded<'a>(
    params: &'a [(&str, Param)],
    placements: &[Placement],
) -> Vec<ShardedParam<'a>> {
    let placements = placements.iter().copied();
    let placements = placements.chain(std::iter::repeat(Placement::Replicate));
    let sharded = |((name, param), placement): (&'a (&str, Param), Placement)| ShardedParam {
        name: (*name).to_owned(),
        tied: Vec::new(),
        param,
        sharding: Sharding::new(placement, param.shape()),
    };
    params.iter().zip(placements).map(sharded).collect()
}

/// One rank's part of the parameters, in f32 on the CPU.
pub(crate) fn rank(rank: usize, world_size: usize) -> LoadOptions {
    LoadOptions {
        rank,
        world_size,
        kind: Kind::Float,
        device: Device::Cpu,
        renames: &[],
        fresh_head: FreshHead::default(),
        seed: 0,
        std: 1.0,
    }
}

/// The elements of a tensor.
pub(crate) fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.to_kind(Kind::Float).flatten(0, -1)).expect("a flat f32 tensor")
}
