//! Single tensors: every type, every slicing, no byte too many.

use std::fs;

use proptest::prelude::*;
use safetensors::Dtype;
use tch::{Device, Kind, Tensor};
use tp_runtime::checkpoint::{Checkpoint, CheckpointError};

use crate::fixture::{counting, filled, values, write, write_indexed};

const TYPES: [(Dtype, Kind); 3] = [
    (Dtype::F32, Kind::Float),
    (Dtype::F16, Kind::Half),
    (Dtype::BF16, Kind::BFloat16),
];

#[test]
fn every_type_reads_as_every_type() {
    let dir = tempfile::tempdir().unwrap();
    for (dtype, stored) in TYPES {
        let value = |index: usize| (index as f32 - 3.0) * 0.37;
        write(dir.path(), &[filled("w", dtype, &[3, 5], value)]);
        let checkpoint = Checkpoint::open(dir.path()).unwrap();
        let expected: Vec<f32> = (0..15).map(value).collect();
        let expected = Tensor::from_slice(&expected).view([3, 5]).to_kind(stored);
        for (_, kind) in TYPES {
            let tensor = checkpoint.read("w", kind, Device::Cpu).unwrap();
            assert_eq!(tensor.kind(), kind);
            assert_eq!(tensor, expected.to_kind(kind));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_are_what_narrow_gives(
        shape in prop::collection::vec(1usize..6, 1..4),
        dtype in 0usize..3,
        // Shifts the tensor by an odd number of bytes within its file.
        shift in 0usize..4,
        seed in any::<u64>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (dtype, kind) = TYPES[dtype];
        let before = filled("a", Dtype::F8_E4M3, &[shift], |_| 0.0);
        write(dir.path(), &[before, counting("w", dtype, &shape)]);
        let dim = seed as usize % shape.len();
        let start = (seed >> 8) as i64 % (shape[dim] as i64 + 1);
        let start = start.abs();
        let length = ((seed >> 16) as i64 % (shape[dim] as i64 - start + 1)).abs();

        let checkpoint = Checkpoint::open(dir.path()).unwrap();
        let whole = checkpoint.read("w", kind, Device::Cpu).unwrap();
        let before = checkpoint.bytes_read();
        let chunk = checkpoint.read_chunk("w", dim, start..start + length, kind, Device::Cpu).unwrap();
        let expected = whole.narrow(dim as i64, start, length);
        prop_assert_eq!(chunk.size(), expected.size());
        prop_assert_eq!(values(&chunk), values(&expected));
        let bytes = chunk.numel() * kind.elt_size_in_bytes();
        prop_assert_eq!(checkpoint.bytes_read() - before, bytes as u64);
    }
}

#[test]
fn opening_reads_no_tensor() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[counting("w", Dtype::F32, &[4, 4])]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(checkpoint.bytes_read(), 0);
    assert_eq!(checkpoint.architecture().unwrap(), "LlamaForCausalLM");
    let (name, info) = checkpoint.tensors().next().unwrap();
    assert_eq!(
        (name, info.dtype, &info.shape[..]),
        ("w", Dtype::F32, &[4, 4][..])
    );
    assert_eq!(info.file, dir.path().join("model.safetensors"));
}

#[test]
fn tensors_outlive_their_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[counting("w", Dtype::F32, &[2, 2])]);
    let tensor = Checkpoint::open(dir.path())
        .unwrap()
        .read("w", Kind::Float, Device::Cpu)
        .unwrap();
    drop(dir);
    assert_eq!(values(&tensor), [0.0, 0.125, 0.25, 0.375]);
}

#[test]
fn several_files_are_one_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    write_indexed(
        dir.path(),
        &[
            (
                "model-00001-of-00002.safetensors",
                vec![counting("a", Dtype::F32, &[2])],
            ),
            (
                "model-00002-of-00002.safetensors",
                vec![counting("b", Dtype::BF16, &[3])],
            ),
        ],
    );
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let read = |name| values(&checkpoint.read(name, Kind::Float, Device::Cpu).unwrap());
    assert_eq!(read("a"), [0.0, 0.125]);
    assert_eq!(read("b"), [0.0, 0.125, 0.25]);
    assert_eq!(checkpoint.bytes_read(), 2 * 4 + 3 * 2);
}

#[test]
fn one_file_goes_before_an_index() {
    let dir = tempfile::tempdir().unwrap();
    write_indexed(
        dir.path(),
        &[("old.safetensors", vec![counting("a", Dtype::F32, &[2])])],
    );
    write(dir.path(), &[counting("b", Dtype::F32, &[2])]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(
        checkpoint
            .tensors()
            .map(|(name, _)| name)
            .collect::<Vec<_>>(),
        ["b"]
    );
}

#[test]
fn links_are_followed() {
    let cache = tempfile::tempdir().unwrap();
    let (blobs, snapshot) = (cache.path().join("blobs"), cache.path().join("snapshot"));
    fs::create_dir(&blobs).unwrap();
    fs::create_dir(&snapshot).unwrap();
    write(&blobs, &[counting("w", Dtype::F32, &[2])]);
    for name in ["config.json", "model.safetensors"] {
        std::os::unix::fs::symlink(format!("../blobs/{name}"), snapshot.join(name)).unwrap();
    }
    let checkpoint = Checkpoint::open(&snapshot).unwrap();
    assert_eq!(
        values(&checkpoint.read("w", Kind::Float, Device::Cpu).unwrap()),
        [0.0, 0.125]
    );
}

#[test]
fn an_unknown_name_gets_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[counting("model.norm.weight", Dtype::F32, &[2])],
    );
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let error = checkpoint
        .read("model.nrm.weight", Kind::Float, Device::Cpu)
        .unwrap_err();
    let message = error.to_string();
    assert!(
        message.ends_with("holds no tensor `model.nrm.weight`: did you mean `model.norm.weight`?")
    );
}

#[test]
fn a_chunk_outside_its_tensor_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[counting("w", Dtype::F32, &[4, 2])]);
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    for (dim, start, end) in [(0, 3, 5), (2, 0, 1), (1, -1, 1), (0, 3, 2)] {
        let read = checkpoint.read_chunk("w", dim, start..end, Kind::Float, Device::Cpu);
        let error = read.unwrap_err();
        assert!(matches!(error, CheckpointError::Chunk { .. }), "{error}");
        let chunk = format!("no chunk {start}..{end} in dimension {dim}");
        assert!(error.to_string().contains(&chunk), "{error}");
    }
}
