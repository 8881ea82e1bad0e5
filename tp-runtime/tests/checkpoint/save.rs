//! What a save writes, what it replaces and what it leaves alone.

use std::fs::{self, File};
use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};
use tp_runtime::checkpoint::{Checkpoint, Companion, LoadOptions, initialize, load, save};
use tp_runtime::comm::ProcessGroup;
use tp_runtime::module::{Param, ShardedParam};

use crate::fixture::{counting, named, rank, values, write, write_indexed};

pub(crate) fn params() -> [(&'static str, Param); 3] {
    [
        ("up.weight", Param::new(&[5, 4])),
        ("norm.weight", Param::new(&[4])),
        ("norm.bias", Param::new(&[4])),
    ]
}

pub(crate) fn random(kind: Kind) -> [(&'static str, Param); 3] {
    let params = params();
    initialize(&named(&params), 3, 1.0, &LoadOptions { kind, ..rank(0, 1) }).unwrap();
    params
}

pub(crate) fn config() -> Value {
    json!({ "architectures": ["LlamaForCausalLM"], "dtype": "float32", "hidden_size": 4 })
}

pub(crate) fn save_whole(dir: &Path, params: &[(&str, Param)]) -> tp_runtime::Result<()> {
    save(
        dir,
        &named(params),
        &ProcessGroup::single(),
        |named| Ok(named.param.local()),
        &config(),
        &[],
    )
}

pub(crate) fn files(dir: &Path) -> Vec<String> {
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn every_type_comes_back() {
    for (kind, dtype) in [
        (Kind::Float, "float32"),
        (Kind::Half, "float16"),
        (Kind::BFloat16, "bfloat16"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let saved = random(kind);
        save_whole(&dir.path().join("a/b"), &saved).unwrap();
        let checkpoint = Checkpoint::open(&dir.path().join("a/b")).unwrap();
        assert_eq!(checkpoint.config()["dtype"], dtype);
        assert_eq!(checkpoint.config()["hidden_size"], 4);
        let loaded = params();
        load(
            &checkpoint,
            &named(&loaded),
            &LoadOptions { kind, ..rank(0, 1) },
        )
        .unwrap();
        for ((name, saved), (_, loaded)) in saved.iter().zip(&loaded) {
            assert_eq!(saved.local(), loaded.local(), "{name}");
        }
        assert_eq!(
            files(&dir.path().join("a/b")),
            ["config.json", "model.safetensors"]
        );
    }
}

#[test]
fn the_file_is_what_the_safetensors_crate_reads() {
    let dir = tempfile::tempdir().unwrap();
    let saved = random(Kind::Float);
    save_whole(dir.path(), &saved).unwrap();
    let bytes = fs::read(dir.path().join("model.safetensors")).unwrap();
    let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
    assert_eq!(header % 8, 0);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor("up.weight").unwrap();
    assert_eq!((view.dtype(), view.shape()), (Dtype::F32, &[5, 4][..]));
    let expected: Vec<u8> = values(&saved[0].1.local())
        .into_iter()
        .flat_map(f32::to_le_bytes)
        .collect();
    assert_eq!(view.data(), expected);
}

#[test]
fn a_parameter_longer_than_a_piece_comes_back() {
    // Tensors are written in pieces of 2²² elements.
    let params = [("w", Param::new(&[2049, 2049]))];
    initialize(&named(&params), 3, 1.0, &rank(0, 1)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    save_whole(dir.path(), &params).unwrap();
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let read = checkpoint.read("w", Kind::Float, Device::Cpu).unwrap();
    assert_eq!(read, params[0].1.local());
}

#[test]
fn over_itself_with_its_tokenizer() {
    let dir = tempfile::tempdir().unwrap();
    save_whole(dir.path(), &random(Kind::Float)).unwrap();
    fs::write(dir.path().join("tokenizer.json"), "words").unwrap();
    fs::create_dir(dir.path().join("chat.jinja")).unwrap();
    let large = File::create(dir.path().join("large.json")).unwrap();
    large.set_len(65 << 20).unwrap();
    let checkpoint = Checkpoint::open(dir.path()).unwrap();
    let loaded = params();
    load(&checkpoint, &named(&loaded), &rank(0, 1)).unwrap();
    let before = loaded[0].1.local().copy();
    let _ = loaded[0].1.local().g_add_scalar_(1.0);
    let companions = checkpoint.companions().unwrap();
    assert_eq!(companions.len(), 1);
    assert_eq!(companions[0].name(), "tokenizer.json");
    let gather = |named: &ShardedParam<'_>| Ok(named.param.local());
    save(
        dir.path(),
        &named(&loaded),
        &ProcessGroup::single(),
        gather,
        checkpoint.config(),
        &companions,
    )
    .unwrap();
    assert_eq!(
        files(dir.path()),
        [
            "chat.jinja",
            "config.json",
            "large.json",
            "model.safetensors",
            "tokenizer.json"
        ]
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("tokenizer.json")).unwrap(),
        "words"
    );
    let again = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(
        again.read("up.weight", Kind::Float, Device::Cpu).unwrap(),
        &before + 1.0
    );
    // What was opened before still reads what it opened.
    assert_eq!(
        checkpoint
            .read("up.weight", Kind::Float, Device::Cpu)
            .unwrap(),
        before
    );
}

#[test]
fn over_several_files_leaving_what_is_not_its_own() {
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
                vec![counting("b", Dtype::F32, &[2])],
            ),
        ],
    );
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    fs::create_dir(dir.path().join("runs")).unwrap();
    save_whole(dir.path(), &random(Kind::Float)).unwrap();
    assert_eq!(
        files(dir.path()),
        ["config.json", "model.safetensors", "notes.txt", "runs"]
    );
    assert_eq!(Checkpoint::open(dir.path()).unwrap().tensors().count(), 3);
}

#[test]
fn a_link_is_replaced_and_its_file_left_alone() {
    let cache = tempfile::tempdir().unwrap();
    let (blobs, snapshot) = (cache.path().join("blobs"), cache.path().join("snapshot"));
    fs::create_dir(&blobs).unwrap();
    fs::create_dir(&snapshot).unwrap();
    write(&blobs, &[counting("w", Dtype::F32, &[2])]);
    for name in ["config.json", "model.safetensors"] {
        std::os::unix::fs::symlink(format!("../blobs/{name}"), snapshot.join(name)).unwrap();
    }
    save_whole(&snapshot, &random(Kind::Float)).unwrap();
    assert_eq!(Checkpoint::open(&snapshot).unwrap().tensors().count(), 3);
    assert_eq!(Checkpoint::open(&blobs).unwrap().tensors().count(), 1);
}

#[test]
fn the_older_spelling_of_the_dtype_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let params = random(Kind::BFloat16);
    let gather = |named: &ShardedParam<'_>| Ok(named.param.local());
    let config = json!({ "torch_dtype": "float32" });
    save(
        dir.path(),
        &named(&params),
        &ProcessGroup::single(),
        gather,
        &config,
        &[],
    )
    .unwrap();
    let saved = Checkpoint::open(dir.path()).unwrap();
    assert_eq!(*saved.config(), json!({ "torch_dtype": "bfloat16" }));
}

#[test]
fn a_folder_that_cannot_be_written() {
    // Nobody can create anything here, root included.
    let message = save_whole(Path::new("/proc/self"), &random(Kind::Float))
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("cannot create `/proc/self/.checkpoint-saving`: "),
        "{message}"
    );
}

#[test]
fn a_companion_that_is_not_there() {
    let error = Companion::open(Path::new("/nowhere/tokenizer.json")).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("cannot open `/nowhere/tokenizer.json`"),
        "{message}"
    );
}

#[test]
fn a_companion_whose_folder_is_gone() {
    let (from, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = from.path().join("tokenizer.json");
    fs::write(&path, "words").unwrap();
    let companions = [Companion::open(&path).unwrap()];
    drop(from);
    let params = random(Kind::Float);
    for step in ["step-1", "step-2"] {
        let dir = dir.path().join(step);
        let gather = |named: &ShardedParam<'_>| Ok(named.param.local());
        let world = ProcessGroup::single();
        save(
            &dir,
            &named(&params),
            &world,
            gather,
            &config(),
            &companions,
        )
        .unwrap();
        let copy = fs::read_to_string(dir.join("tokenizer.json")).unwrap();
        assert_eq!(copy, "words");
    }
}

#[test]
fn what_is_gathered_must_be_the_parameter() {
    let dir = tempfile::tempdir().unwrap();
    let params = random(Kind::Float);
    for (gathered, found) in [
        (
            Tensor::zeros([5, 3], (Kind::Float, Device::Cpu)),
            "Float [5, 3]",
        ),
        (
            Tensor::zeros([5, 4], (Kind::Half, Device::Cpu)),
            "Half [5, 4]",
        ),
    ] {
        let gather = |_: &ShardedParam<'_>| Ok(gathered.shallow_clone());
        let error = save(
            dir.path(),
            &named(&params),
            &ProcessGroup::single(),
            gather,
            &config(),
            &[],
        )
        .unwrap_err();
        let expected = format!(
            "cannot save `up.weight`: gathered as {found}, but the parameter is Float [5, 4]; "
        );
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn types_that_cannot_be_saved() {
    let dir = tempfile::tempdir().unwrap();
    let error = save_whole(dir.path(), &random(Kind::Double)).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot save `up.weight` as Double: "),
        "{error}"
    );
}
