//! What cannot be run is refused with an exit code and a message that names it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tch::{Kind, Tensor};
use tempfile::TempDir;

use crate::support::{fixture, refused, tp, write};
use crate::train::write_text;

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A copy of a checkpoint that may be spoiled.
fn copy(name: &str) -> TempDir {
    let dir = temporary();
    for file in std::fs::read_dir(fixture(name))
        .expect("a fixture")
        .flatten()
    {
        std::fs::copy(file.path(), dir.path().join(file.file_name())).expect("a copy");
    }
    dir
}

/// Changes fields of a checkpoint's config.
fn configure(dir: &Path, changes: &Value) {
    let file = dir.join("config.json");
    let text = std::fs::read_to_string(&file).expect("a config");
    let mut config: Value = serde_json::from_str(&text).expect("the config is JSON");
    for (field, value) in changes.as_object().expect("changes are an object") {
        config[field] = value.clone();
    }
    std::fs::write(file, config.to_string()).expect("a test can write");
}

fn assert_names(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

/// What `tp generate` says of a folder that it cannot run.
fn generate(model: &Path, flags: &str, code: i32) -> String {
    refused(
        tp!["generate --threads 1 --model", model, flags].args(["--prompt", "Once"]),
        code,
    )
}

#[test]
fn a_missing_folder() {
    let message = generate(&fixture("no_such_model"), "--tp 2", 1);
    assert_names(&message, &["no_such_model"]);
}

#[test]
fn a_missing_tokenizer() {
    let dir = copy("stories260k");
    std::fs::remove_file(dir.path().join("tokenizer.json")).expect("a copy");
    let message = generate(dir.path(), "--tp 2", 1);
    assert_names(&message, &["tokenizer.json"]);
}

#[test]
fn files_that_git_lfs_has_not_fetched() {
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        let dir = copy("stories260k");
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4265\n";
        std::fs::write(dir.path().join(file), pointer).expect("a test can write");
        let message = generate(dir.path(), "--tp 2", 1);
        assert_names(
            &message,
            &[file, "is a pointer of Git LFS", "`git lfs pull`"],
        );
    }
}

#[test]
fn a_truncated_file() {
    let dir = copy("stories260k");
    let file = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&file).expect("a copy");
    for length in [bytes.len() - 1, bytes.len() / 2, 4, 0] {
        std::fs::write(&file, &bytes[..length]).expect("a test can write");
        for flags in ["--tp 1", "--tp 2"] {
            assert_names(&generate(dir.path(), flags, 1), &["model.safetensors"]);
        }
    }
}

#[test]
fn weights_of_another_config() {
    let dir = copy("stories260k");
    configure(dir.path(), &json!({ "vocab_size": 500 }));
    let message = generate(dir.path(), "--tp 2", 1);
    assert_names(
        &message,
        &["model.embed_tokens.weight", "[512, 64]", "[500, 64]"],
    );
}

#[test]
fn an_unknown_architecture() {
    let dir = copy("stories260k");
    configure(
        dir.path(),
        &json!({ "architectures": ["LlamaForCausalML"] }),
    );
    let message = generate(dir.path(), "--tp 2", 1);
    assert_names(
        &message,
        &["LlamaForCausalML", "did you mean `LlamaForCausalLM`?"],
    );
}

#[test]
fn a_config_that_makes_no_sense() {
    for (changes, part) in [
        (json!({ "hidden_size": "wide" }), "hidden_size"),
        (json!({ "num_key_value_heads": 3 }), "num_key_value_heads"),
        (json!({ "num_attention_heads": 0 }), "num_attention_heads"),
        (json!({ "hidden_act": "softsign" }), "hidden_act"),
        (
            json!({ "hidden_size": -1 }),
            "`hidden_size`: -1 is not a whole number",
        ),
        (json!({ "vocab_size": 0 }), "`vocab_size`"),
        (
            json!({ "num_hidden_layers": 1000000000 }),
            "`num_hidden_layers`",
        ),
        (json!({ "rope_theta": 0 }), "rope_theta`: 0 is not a number"),
    ] {
        let dir = copy("stories260k");
        configure(dir.path(), &changes);
        assert_names(&generate(dir.path(), "--tp 2", 1), &[part]);
    }
}

#[test]
fn degrees_and_plans_that_are_none() {
    let stories = fixture("stories260k");
    assert_names(&generate(&stories, "--tp 0", 2), &["--tp"]);
    for (flags, part) in [
        ("--tp two", "--tp"),
        ("--tp=-1", "--tp"),
        ("--tp 1000000", "1 to 4096"),
    ] {
        assert_names(&generate(&stories, flags, 2), &[part]);
    }
    for threads in ["0", "18446744073709551615"] {
        let threads = format!("--prompt Once --threads {threads}");
        let mut generate = tp!["generate --model", stories, threads];
        assert_names(&refused(&mut generate, 2), &["--threads", "1 to 4096"]);
    }
    assert_names(
        &generate(&stories, "--tp 2 --plan mine", 1),
        &["\"mine\"", "LlamaForCausalLM"],
    );
}

#[test]
fn sampling_that_is_none() {
    let stories = fixture("stories260k");
    for (flags, part) in [
        ("--top-k=-1", "--top-k"),
        ("--min-p 2", "--min-p"),
        ("--repetition-penalty 0", "--repetition-penalty"),
        ("--temperature=-1", "--temperature"),
        ("--temperature nan", "--temperature"),
        ("--temperature inf", "--temperature"),
        ("--temperature 1 --top-p 0", "--top-p"),
        ("--temperature 1 --top-p 1.5", "--top-p"),
        ("--max-new-tokens=-1", "--max-new-tokens"),
        ("--max-new-tokens 99999999999999999999", "--max-new-tokens"),
    ] {
        assert_names(&generate(&stories, flags, 2), &[part]);
    }
    assert_names(&generate(&stories, "--top-p 0.5", 1), &["--temperature"]);
}

/// A batch's file, in a folder of its own.
struct Batch {
    _dir: TempDir,
    inputs: PathBuf,
    outputs: PathBuf,
}

impl Batch {
    fn new(tensors: &[(&str, &Tensor)]) -> Self {
        let dir = temporary();
        let (inputs, outputs) = (dir.path().join("in.safetensors"), dir.path().join("out"));
        write(&inputs, tensors);
        Self {
            _dir: dir,
            inputs,
            outputs,
        }
    }

    /// What `tp eval` says of it, on one rank and on two.
    fn refused(&self, flags: &str, code: i32, parts: &[&str]) {
        for degree in ["--tp 1", "--tp 2"] {
            let message = refused(
                &mut tp![
                    "eval --threads 1 --model",
                    fixture("llama_gqa"),
                    "--inputs",
                    self.inputs,
                    "--outputs",
                    self.outputs,
                    degree,
                    flags
                ],
                code,
            );
            assert_names(&message, parts);
        }
        assert!(!self.outputs.exists());
    }
}

/// `[1, 4]` ids.
fn ids(values: [i64; 4]) -> Tensor {
    Tensor::from_slice(&values).unsqueeze(0)
}

#[test]
fn batches_that_are_none() {
    let good = ids([1, 2, 3, 4]);
    let batch = |tensors: &[(&str, &Tensor)], parts: &[&str]| {
        Batch::new(tensors).refused("", 1, parts);
    };
    batch(&[("labels", &good)], &["in.safetensors", "`input_ids`"]);
    batch(
        &[("input_ids", &good.to_kind(Kind::Float))],
        &["`input_ids`", "64-bit integers"],
    );
    batch(
        &[("input_ids", &good.get(0))],
        &["`input_ids`", "[4]", "[batch, sequence]"],
    );
    batch(
        &[("input_ids", &good.narrow(1, 0, 0))],
        &["`input_ids`", "[1, 0]"],
    );
    batch(
        &[("input_ids", &ids([1, 2, 3, 160]))],
        &["`input_ids`", "160", "0 to 159"],
    );
    batch(
        &[("input_ids", &ids([1, -1, 3, 4]))],
        &["`input_ids`", "-1", "0 to 159"],
    );
    batch(
        &[("input_ids", &good), ("labels", &ids([1, 2, -7, 4]))],
        &["`labels`", "-7", "-100"],
    );
    batch(
        &[
            ("input_ids", &good),
            ("attention_mask", &ids([1; 4]).narrow(1, 0, 3)),
        ],
        &["`attention_mask`", "[1, 3]", "[1, 4]"],
    );
    batch(
        &[("input_ids", &good), ("attention_mask", &ids([0, 1, 2, 1]))],
        &["`attention_mask`", "0", "1"],
    );
    batch(
        &[("input_ids", &good), ("positions", &good)],
        &[
            "`positions`",
            "`input_ids`, `attention_mask`, `position_ids` and `labels`",
        ],
    );
    batch(
        &[("input_ids", &good), ("token_type_ids", &good)],
        &["`token_type_ids`", "`LlamaForCausalLM`"],
    );
}

#[test]
fn numbers_of_tokens_that_are_none() {
    let good = ids([1, 2, 3, 4]);
    Batch::new(&[("input_ids", &good)]).refused("--generate=-1", 2, &["--generate"]);
    let mask = ids([0, 1, 1, 1]);
    Batch::new(&[("input_ids", &good), ("attention_mask", &mask)]).refused(
        "--generate 2",
        1,
        &["--generate", "`attention_mask`"],
    );
}

#[test]
fn next_tokens_of_a_classifier() {
    let classifier = fixture("qwen3_seqcls");
    let part = "`Qwen3ForSequenceClassification` classifies whole texts";
    assert_names(
        &generate(&classifier, "--tp 2", 1),
        &["`tp generate`", part],
    );
    let dir = temporary();
    let data = dir.path().join("text");
    write_text(&data);
    let mut train = tp!["train --steps 1 --model", classifier, "--data", data];
    assert_names(&refused(&mut train, 1), &["`tp train`", part]);
    let ids = ids([1, 2, 3, 4]);
    let batch = Batch::new(&[("input_ids", &ids)]);
    for (flags, parts) in [
        ("--generate 2", ["--generate", part]),
        ("--grads", ["--grads", "`labels`"]),
    ] {
        let mut eval = tp![
            "eval --model",
            classifier,
            "--inputs",
            batch.inputs,
            "--outputs",
            batch.outputs,
            flags
        ];
        assert_names(&refused(&mut eval, 1), &parts);
    }
}

#[test]
fn outputs_that_cannot_be_written() {
    let mut batch = Batch::new(&[("input_ids", &ids([1, 2, 3, 4]))]);
    batch.outputs = PathBuf::from("/no_such_folder/out.safetensors");
    batch.refused("", 1, &["/no_such_folder/out.safetensors"]);
}

/// What `tp train` says of arguments that it cannot run.
fn train(data: &Path, flags: &str, code: i32) -> String {
    refused(
        &mut tp![
            "train --threads 1 --steps 2 --config",
            fixture("stories260k").join("config.json"),
            "--data",
            data,
            flags
        ],
        code,
    )
}

#[test]
fn training_that_cannot_start() {
    let dir = temporary();
    let (long, short) = (dir.path().join("long"), dir.path().join("short"));
    write_text(&long);
    std::fs::write(&short, "The cat.").expect("a test can write");
    assert_names(&train(&short, "--tp 2", 1), &["short", "--sequence"]);
    assert_names(&train(&dir.path().join("none"), "--tp 2", 1), &["none"]);
    for (flags, part) in [
        ("--batch 0", "--global-batch"),
        ("--batch=-1", "--global-batch"),
        ("--batch 1000000000000", "--global-batch"),
        ("--sequence 0", "--sequence"),
        ("--sequence 1", "--sequence"),
        ("--sequence 9223372036854775807", "--sequence"),
        ("--max-norm 0", "--max-norm"),
        ("--max-norm inf", "--max-norm"),
        ("--learning-rate nan --tp 2", "--learning-rate"),
        ("--learning-rate=-1", "--learning-rate"),
        ("--learning-rate 0", "--learning-rate"),
        ("--weight-decay nan", "--weight-decay"),
        ("--weight-decay=-0.1", "--weight-decay"),
        ("--seed=-1", "--seed"),
    ] {
        assert_names(&train(&long, flags, 2), &[part]);
    }
    for steps in ["0", "-1", "1.5"] {
        let steps = format!("train --config none --data none --steps={steps}");
        assert_names(&refused(&mut tp![steps], 2), &["--steps"]);
    }
    let both = "--model somewhere";
    assert_names(&train(&long, both, 2), &["--model", "--config"]);
}

#[test]
fn a_checkpoint_that_cannot_be_saved() {
    let dir = temporary();
    let data = dir.path().join("text");
    write_text(&data);
    let flags = "--tp 2 --batch 1 --sequence 8 --save /dev/null/saved";
    assert_names(&train(&data, flags, 1), &["/dev/null/saved"]);
}
