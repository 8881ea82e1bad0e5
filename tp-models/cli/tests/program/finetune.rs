//! Fine-tuning as people do it: a job file, an adapter, a merged model.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{fixture, printed, refused, tp};

fn example(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../../examples/finetune").join(name)
}

/// A folder with the model of the example and a job file of these lines.
struct Job(TempDir);

impl Job {
    fn new(lines: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let model = dir.path().join("model");
        fs::create_dir(&model).expect("a folder");
        for name in [
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
            "generation_config.json",
        ] {
            fs::copy(fixture("stories260k").join(name), model.join(name)).expect("a copy");
        }
        fs::copy(
            example("chat_template.jinja"),
            model.join("chat_template.jinja"),
        )
        .expect("a copy");
        let job = Self(dir);
        let (model, chats) = (job.at("model"), example("chats.jsonl"));
        let start = format!(
            "model = {model:?}\ndata = [{chats:?}]\nsequence = 128\nthreads = 1\nglobal-batch = 8\n"
        );
        fs::write(job.at("job.toml"), start + lines).expect("a job file");
        job
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What the model says to a question, with further words on the command line.
    fn answer(&self, model: &str, further: &str) -> String {
        printed(&mut tp![
            "generate --chat --max-new-tokens 16 --temperature 0",
            further,
            "--model",
            self.at(model),
            "--prompt",
            // One argument: it is no path that exists, but an absolute one is not split.
            Path::new("/What does the owl say?"),
        ])
    }
}

fn log(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).expect("a log");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn a_job_file_trains_an_adapter_that_changes_answers_and_can_be_merged() {
    let job = Job::new(
        "lora-rank = 4\nsteps = 30\nlearning-rate = 1e-2\npack = true\ndp = 2\ntp = 2\nsequence-parallel = true\n",
    );
    let save = job.at("run");
    let train = |further: &str| {
        printed(&mut tp![
            "train",
            job.at("job.toml"),
            further,
            "--save",
            save
        ])
    };
    // The command line wins over the file.
    train("--steps 20");
    let folder = save.join("latest");
    for name in [
        "adapter_config.json",
        "adapter_model.safetensors",
        "tokenizer.json",
    ] {
        assert!(folder.join(name).exists(), "{name}");
    }
    assert!(!folder.join("model.safetensors").exists());
    let written = fs::read_to_string(save.join("job.toml")).expect("the job");
    assert!(
        written.contains("steps = 20") && written.contains("lora-rank = 4"),
        "{written}"
    );
    let text = train("--resume");
    assert!(text.contains("goes on after step 20"), "{text}");
    let steps: Vec<_> = log(&save.join("log.jsonl"))
        .iter()
        .filter_map(|line| line["loss"].as_f64())
        .collect();
    assert_eq!(steps.len(), 30);
    assert!(steps[29] < 0.5 * steps[0], "{steps:?}");
    let adapted = format!("--adapter {}", folder.display());
    let answer = job.answer("model", &adapted);
    assert_ne!(answer, job.answer("model", ""));
    assert_eq!(answer, job.answer("model", &format!("{adapted} --tp 2")));
    printed(&mut tp![
        "merge --tp 2 --model",
        job.at("model"),
        "--adapter",
        folder,
        "--output",
        job.at("merged")
    ]);
    assert_eq!(answer, job.answer("merged", ""));
    // The job can be made again from what was saved.
    let again = save.join("job.toml");
    let text = printed(&mut tp![
        "train",
        again,
        "--save",
        job.at("again"),
        "--dry-run"
    ]);
    assert!(
        text.contains("lora-rank = 4") && text.contains("30 steps of 8 sequences"),
        "{text}"
    );
    assert!(!job.at("again").exists());
}

/// The loss of the first step, and that on held-out rows after it, which changes next to nothing.
fn losses(job: &Job, flags: &str) -> [f64; 2] {
    let file = job.at("log.jsonl");
    let _ = fs::remove_file(&file);
    printed(&mut tp![
        "train",
        job.at("job.toml"),
        flags,
        "--validate",
        example("held-out.jsonl"),
        "--log",
        file
    ]);
    let lines = log(&file);
    ["loss", "validation_loss"].map(|name| {
        let mut found = lines.iter().filter_map(|line| line[name].as_f64());
        found.next().expect("a loss")
    })
}

fn assert_near(flags: &str, found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() < 2e-5 * wanted,
        "{flags}: {found} should be {wanted}"
    );
}

/// The loss on held-out rows is the same however they stand in sequences; a sample's first token has no label, also
/// where it follows another sample.
#[test]
fn packed_rows_have_the_loss_of_rows_apart() {
    let job = Job::new("steps = 1\nlearning-rate = 1e-9\n");
    for labels in ["--labels answers", "--labels everything"] {
        let [_, wanted] = losses(&job, labels);
        let packed = format!("{labels} --pack");
        let [_, found] = losses(&job, &packed);
        assert_near(&packed, found, wanted);
    }
}

/// Every rank reads its own part of the same global batch.
#[test]
fn rows_are_divided_over_any_grid() {
    let job = Job::new("steps = 1\nlearning-rate = 1e-9\n");
    for rows in ["", "--pack"] {
        let [first, held_out] = losses(&job, rows);
        for grid in [
            "--tp 2 --sequence-parallel",
            "--dp 2 --micro-batch 2",
            "--dp 2 --tp 2 --micro-batch 1",
        ] {
            let flags = format!("{rows} {grid}");
            let found = losses(&job, &flags);
            assert_near(&flags, found[0], first);
            assert_near(&flags, found[1], held_out);
        }
    }
}

#[test]
fn rows_are_shown_with_their_labels() {
    let job = Job::new("");
    let (model, chats) = (job.at("model"), example("chats.jsonl"));
    let text = printed(&mut tp![
        "data --show 1 --pack --sequence 128 --model",
        model,
        chats
    ]);
    assert!(
        text.contains("[▁The] [▁do] [g]")
            && text.contains("72 rows, 72 samples")
            && text.contains("packed: 72 samples in 28 sequences"),
        "{text}"
    );
    let text = printed(&mut tp!["data --json --show 2 --model", model, chats]);
    let json: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["samples"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["statistics"]["rows"], 72);
}

#[test]
fn faults_of_jobs_say_what_to_do() {
    let of = |lines: &str, code: i32| {
        let job = Job::new(lines);
        refused(&mut tp!["train", job.at("job.toml")], code)
    };
    let message = of("steps = 1\nlora-rnak = 4\n", 2);
    assert!(
        message.contains("`lora-rnak` is no flag of `tp train`: `lora-rank` is one"),
        "{message}"
    );
    let message = of("steps = 1\npack = 3\n", 2);
    assert!(
        message.contains("`pack` is 3: it is true or false"),
        "{message}"
    );
    let message = of("steps = \n", 2);
    assert!(message.contains("is no TOML"), "{message}");
    let message = of("steps = 1\nlora-rank = 2\nlora-targets = [\"q_porj\"]\n", 1);
    assert!(
        message.contains("names `q_porj`") && message.contains("`q_proj`"),
        "{message}"
    );
    let job = Job::new("steps = 1\n");
    let rows = job.at("rows.jsonl");
    fs::write(
        &rows,
        "{\"messages\": [{\"role\": \"king\", \"content\": \"hm\"}]}\n",
    )
    .expect("a file");
    let message = refused(&mut tp!["train", job.at("job.toml"), "--data", rows], 1);
    assert!(
        message.contains("line 1") && message.contains("no place for the role king"),
        "{message}"
    );
    let text = job.at("text.txt");
    fs::write(&text, "A text.").expect("a file");
    let message = refused(
        &mut tp![
            "train",
            job.at("job.toml"),
            "--data",
            text,
            "--data",
            example("chats.jsonl")
        ],
        1,
    );
    assert!(
        message.contains("is a plain text by its ending"),
        "{message}"
    );
    let message = refused(&mut tp!["train", job.at("absent.toml")], 2);
    assert!(message.contains("cannot read the job file"), "{message}");
}
