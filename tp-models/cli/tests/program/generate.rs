//! `tp generate` tells the same story at every degree.

use serde_json::Value;

use crate::support::{fixture, printed, tp};

fn told(flags: &str) -> String {
    printed(
        tp![
            "generate --threads 1 --model",
            fixture("stories260k"),
            flags
        ]
        .args(["--prompt", "Once upon a time"]),
    )
}

#[test]
fn greedy_text_is_that_of_transformers() {
    let reference = std::fs::read_to_string(fixture("stories260k").join("reference.json"));
    let reference: Value =
        serde_json::from_str(&reference.expect("a fixture")).expect("the fixture is JSON");
    let text = reference["text"].as_str().expect("the fixture has a text");
    for flags in [
        "--tp 1",
        "--tp 2",
        "--tp 3 --sequence-parallel",
        "--tp 4",
        "--tp 10",
    ] {
        let told = told(&format!("--max-new-tokens 64 {flags}"));
        assert_eq!(told.trim_end(), text.trim_end(), "{flags}");
    }
}

#[test]
fn a_seed_tells_one_story_at_every_degree() {
    let random = |seed: u64, tp| {
        told(&format!(
            "--max-new-tokens 96 --temperature 0.9 --top-p 0.95 --seed {seed} --tp {tp}"
        ))
    };
    let alone = random(7, 1);
    assert!(
        alone.starts_with("Once upon a time") && alone.len() > 100,
        "{alone}"
    );
    assert_eq!(random(7, 2), alone);
    assert_eq!(random(7, 3), alone);
    assert_eq!(random(7, 4), alone);
    assert_ne!(random(8, 1), alone);
}

#[test]
fn no_new_tokens_leave_the_prompt() {
    assert_eq!(told("--max-new-tokens 0"), "Once upon a time\n");
}
