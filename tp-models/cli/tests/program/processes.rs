//! Ranks that are processes, started by hand with the variables `torchrun` sets.

use std::time::{Duration, Instant};

use crate::eval::{assert_case, write_batch};
use crate::support::{errors, finish, fixture, refused, start, tensors, tp};
use crate::train::write_text;

#[test]
fn two_processes_give_what_transformers_gives() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (inputs, outputs) = (dir.path().join("in"), dir.path().join("out"));
    for flags in ["", "--sequence-parallel --backend gloo"] {
        write_batch("llama_gqa", "even", &["input_ids", "labels"], &inputs);
        let ranks = start(2, || {
            tp![
                "eval --threads 1 --tp 2 --grads --model",
                fixture("llama_gqa"),
                "--inputs",
                inputs,
                "--outputs",
                outputs,
                flags
            ]
        });
        for output in ranks.into_iter().map(finish) {
            assert!(output.status.success(), "{}", errors(&output));
        }
        assert_case("llama_gqa", "even", &tensors(&outputs));
        std::fs::remove_file(&outputs).expect("the file was written");
    }
}

#[test]
fn only_the_first_tells_the_story() {
    let ranks = start(2, || {
        let mut command = tp![
            "generate --threads 1 --tp 2 --max-new-tokens 8 --model",
            fixture("stories260k"),
        ];
        command.args(["--prompt", "Once upon a time"]);
        command
    });
    let outputs: Vec<_> = ranks.into_iter().map(finish).collect();
    for output in &outputs {
        assert!(output.status.success(), "{}", errors(output));
    }
    let told = String::from_utf8_lossy(&outputs[0].stdout);
    assert!(told.starts_with("Once upon a time, there was"), "{told}");
    assert!(outputs[1].stdout.is_empty());
}

#[test]
fn a_killed_process_ends_the_job() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("text");
    write_text(&data);
    for killed in [0, 1] {
        let mut ranks = start(2, || {
            tp![
                "train --threads 1 --tp 2 --backend gloo --timeout 5",
                "--steps 1000000 --batch 1 --sequence 16 --config",
                fixture("stories260k").join("config.json"),
                "--data",
                data,
            ]
        });
        std::thread::sleep(Duration::from_secs(3));
        for rank in &mut ranks {
            let running = rank.try_wait().expect("a process of ours").is_none();
            assert!(running, "a rank ended before it was killed");
        }
        ranks[killed].kill().expect("a process of ours");
        let since = Instant::now();
        let survivor = finish(ranks.swap_remove(1 - killed));
        assert!(
            since.elapsed() < Duration::from_secs(12),
            "the other rank hung"
        );
        let message = errors(&survivor);
        assert_eq!(survivor.status.code(), Some(1), "{message}");
        let rank = format!("rank {}", 1 - killed);
        assert!(
            message.contains(&rank) && message.contains("gloo"),
            "{message}"
        );
        finish(ranks.remove(0));
    }
}

#[test]
fn a_failing_process_takes_the_other_along() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    // Rank 1 alone has no such folder.
    let good = fixture("llama_gqa");
    let link = dir.path().join("1");
    let inputs = dir.path().join("in");
    write_batch("llama_gqa", "odd", &["input_ids"], &inputs);
    std::fs::create_dir(&link).expect("a test can write");
    let next = std::sync::atomic::AtomicUsize::new(0);
    let ranks = start(2, || {
        let model = match next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => good.clone(),
            _ => link.clone(),
        };
        tp![
            "eval --threads 1 --tp 2 --timeout 5 --model",
            model,
            "--inputs",
            inputs,
            "--outputs",
            dir.path().join("out"),
        ]
    });
    let since = Instant::now();
    for output in ranks.into_iter().map(finish) {
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    }
    assert!(since.elapsed() < Duration::from_secs(15), "a rank hung");
}

#[test]
fn a_world_that_is_not_the_degree_is_refused() {
    let stories = || {
        let mut command = tp![
            "generate --threads 1 --tp 2 --model",
            fixture("stories260k")
        ];
        command.args(["--prompt", "Once"]);
        command
    };
    let message = refused(
        stories().envs([
            ("RANK", "0"),
            ("WORLD_SIZE", "3"),
            ("MASTER_ADDR", "127.0.0.1"),
            ("MASTER_PORT", "1"),
        ]),
        1,
    );
    assert!(
        message.contains("WORLD_SIZE=3") && message.contains("2 ranks"),
        "{message}"
    );
    let message = refused(stories().env("RANK", "0"), 1);
    assert!(message.contains("WORLD_SIZE is not"), "{message}");
    let message = refused(stories().envs([("RANK", "two"), ("WORLD_SIZE", "2")]), 1);
    assert!(
        message.contains("RANK") && message.contains("two"),
        "{message}"
    );
}
