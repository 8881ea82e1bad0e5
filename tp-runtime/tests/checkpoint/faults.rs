//! Damaged, incomplete and contradictory checkpoints, each with what it says.

use std::fs;
use std::path::Path;

use safetensors::Dtype;
use serde_json::{Value, json};
use tch::{Device, Kind};
use tp_runtime::checkpoint::Checkpoint;

use crate::fixture::{counting, write, write_config, write_file, write_index, write_indexed};

/// What opening the folder says, with the folder itself left out.
fn fault(dir: &Path) -> String {
    let Err(error) = Checkpoint::open(dir) else {
        panic!("it opened")
    };
    error
        .to_string()
        .replace(&format!("{}/", dir.display()), "")
        .replace(&dir.display().to_string(), "DIR")
}

fn two_files(dir: &Path) {
    write_indexed(
        dir,
        &[
            (
                "model-00001-of-00002.safetensors",
                vec![counting("a", Dtype::F32, &[2])],
            ),
            (
                "model-00002-of-00002.safetensors",
                vec![counting("b", Dtype::F32, &[2])],
            ),
        ],
    );
}

#[test]
fn truncated_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            counting("a", Dtype::F32, &[2, 2]),
            counting("b", Dtype::F32, &[3]),
        ],
    );
    let path = dir.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let message = fault(dir.path());
        let start = "`model.safetensors` is not a whole safetensors file: ";
        let end = "; copy or download it again";
        assert!(
            message.starts_with(start) && message.ends_with(end),
            "{length}: {message}"
        );
        assert!(
            message.contains(&format!("{length} bytes")),
            "{length}: {message}"
        );
    }
}

#[test]
fn damaged_headers() {
    let dir = tempfile::tempdir().unwrap();
    write_config(dir.path(), &json!({}));
    let entry = |dtype: &str, shape: Value, offsets: [u64; 2]| json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets });
    for (header, data, reason) in [
        ("nonsense".to_owned(), 0, "its header is damaged"),
        (
            json!({ "a": entry("F32", json!([2]), [0, 4]) }).to_string(),
            4,
            "do not match its shape",
        ),
        (
            json!({ "a": entry("F32", json!([2]), [4, 12]) }).to_string(),
            12,
            "offsets of `a` leave a gap",
        ),
        (
            json!({ "a": entry("F32", json!([u64::MAX, 2]), [0, 8]) }).to_string(),
            8,
            "do not match its shape",
        ),
        (
            json!({ "a": entry("F31", json!([2]), [0, 8]) }).to_string(),
            8,
            "its header is damaged",
        ),
        (
            json!({ "a": entry("F32", json!([2]), [0, 8]) }).to_string(),
            9,
            "not as many as its header says",
        ),
    ] {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        fs::write(dir.path().join("model.safetensors"), bytes).unwrap();
        let message = fault(dir.path());
        assert!(message.contains(reason), "{header}: {message}");
    }
    fs::write(dir.path().join("model.safetensors"), u64::MAX.to_le_bytes()).unwrap();
    assert!(fault(dir.path()).contains("its first eight bytes are no header length"));
}

#[test]
fn no_config() {
    let dir = tempfile::tempdir().unwrap();
    write_file(
        &dir.path().join("model.safetensors"),
        &[counting("a", Dtype::F32, &[2])],
    );
    let message = fault(dir.path());
    assert!(
        message.starts_with("cannot read `config.json`: No such file"),
        "{message}"
    );
    fs::write(dir.path().join("config.json"), "{").unwrap();
    let message = fault(dir.path());
    assert!(
        message.starts_with("`config.json` is not JSON: EOF"),
        "{message}"
    );
}

#[test]
fn no_architecture() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[]);
    write_config(dir.path(), &json!({ "hidden_size": 8 }));
    let message = Checkpoint::open(dir.path())
        .unwrap()
        .architecture()
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("neither `architectures` nor `model_type`: add `\"architectures\""),
        "{message}"
    );
}

#[test]
fn no_weights() {
    let dir = tempfile::tempdir().unwrap();
    write_config(dir.path(), &json!({}));
    let message = fault(dir.path());
    assert_eq!(
        message,
        "`DIR` holds neither `model.safetensors` nor `model.safetensors.index.json`: \
         give the folder that `save_pretrained` wrote"
    );
    fs::write(dir.path().join("pytorch_model.bin"), "").unwrap();
    let message = fault(dir.path());
    assert!(
        message.ends_with("are pickles, which have to be saved again as safetensors"),
        "{message}"
    );
}

#[test]
fn a_file_of_the_index_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    two_files(dir.path());
    fs::remove_file(dir.path().join("model-00002-of-00002.safetensors")).unwrap();
    assert_eq!(
        fault(dir.path()),
        "`model.safetensors.index.json` places `b` in `model-00002-of-00002.safetensors`, \
         which the folder does not hold: download that file too"
    );
}

#[test]
fn a_file_of_the_index_is_truncated() {
    let dir = tempfile::tempdir().unwrap();
    two_files(dir.path());
    let path = dir.path().join("model-00002-of-00002.safetensors");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let message = fault(dir.path());
    assert!(
        message.starts_with("`model-00002-of-00002.safetensors` is not a whole"),
        "{message}"
    );
}

#[test]
fn the_index_names_an_absent_tensor() {
    let dir = tempfile::tempdir().unwrap();
    two_files(dir.path());
    write_file(
        &dir.path().join("model-00002-of-00002.safetensors"),
        &[counting("c", Dtype::F32, &[2])],
    );
    let message = fault(dir.path());
    assert!(
        message.starts_with(
            "`model.safetensors.index.json` places `b` in `model-00002-of-00002.safetensors`, \
             which holds no such tensor"
        ),
        "{message}"
    );
}

#[test]
fn two_files_hold_a_tensor_that_the_index_leaves_out() {
    let dir = tempfile::tempdir().unwrap();
    two_files(dir.path());
    for (number, listed) in [(1, "a"), (2, "b")] {
        let both = [listed, "c"].map(|name| counting(name, Dtype::F32, &[2]));
        let file = format!("model-0000{number}-of-00002.safetensors");
        write_file(&dir.path().join(file), &both);
    }
    let message = fault(dir.path());
    assert!(
        message.starts_with(
            "`model-00002-of-00002.safetensors` and `model-00001-of-00002.safetensors` both hold `c`, \
             and `model.safetensors.index.json` does not say which is the one"
        ),
        "{message}"
    );
}

#[test]
fn what_git_lfs_has_not_fetched() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4265\n";
    for file in [
        "config.json",
        "model.safetensors",
        "hf_quant_config.json",
        "tokenizer.json",
    ] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[counting("a", Dtype::F32, &[2])]);
        fs::write(dir.path().join(file), pointer).unwrap();
        let opened = Checkpoint::open(dir.path());
        let error = match opened.and_then(|checkpoint| checkpoint.companions().map(drop)) {
            Err(error) => error.to_string(),
            Ok(()) => panic!("{file} was taken for what it stands for"),
        };
        let path = dir.path().join(file);
        let expected = format!(
            "`{}` is a pointer of Git LFS, not the file itself: run `git lfs pull` in its folder",
            path.display()
        );
        assert_eq!(error, expected);
    }
}

#[test]
fn the_index_is_no_index() {
    let dir = tempfile::tempdir().unwrap();
    write_config(dir.path(), &json!({}));
    let escape = [("a".to_owned(), Value::from("../model.safetensors"))];
    write_index(dir.path(), escape.into_iter().collect());
    let message = fault(dir.path());
    assert!(
        message.contains("not the name of a file beside it"),
        "{message}"
    );
    write_index(dir.path(), serde_json::Map::new());
    assert!(fault(dir.path()).contains("its `weight_map` is empty"));
    fs::write(dir.path().join("model.safetensors.index.json"), "{}").unwrap();
    assert!(fault(dir.path()).contains("missing field `weight_map`"));
}

#[test]
fn types_that_are_no_weights() {
    let dir = tempfile::tempdir().unwrap();
    for dtype in [Dtype::I64, Dtype::F8_E4M3] {
        write(dir.path(), &[counting("w", dtype, &[2])]);
        let checkpoint = Checkpoint::open(dir.path()).unwrap();
        let message = checkpoint
            .read("w", Kind::Float, Device::Cpu)
            .unwrap_err()
            .to_string();
        let expected = format!("is stored as {dtype}: weights are read from F32, F16 or BF16");
        assert!(
            message.starts_with("`w` in `") && message.ends_with(&expected),
            "{message}"
        );
    }
}
