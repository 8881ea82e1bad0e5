//! Models by their names on the hub, in a cache as huggingface_hub leaves it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::{errors, fixture, printed, refused};

const COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// A home for the hub's files with the config of `org/tiny`.
fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    let model = home.path().join("hub/models--org--tiny");
    let snapshot = model.join("snapshots").join(COMMIT);
    for folder in [&model.join("blobs"), &model.join("refs"), &snapshot] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let config = fixture("llama_gqa").join("config.json");
    fs::copy(config, model.join("blobs/c0ffee")).expect("a blob");
    symlink("../../blobs/c0ffee", snapshot.join("config.json")).expect("a link");
    fs::write(model.join("refs/main"), COMMIT).expect("a reference");
    home
}

/// Explains a model with these variables in a folder.
fn explain(model: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tp"));
    for variable in [
        "HF_HOME",
        "HF_HUB_CACHE",
        "HF_ENDPOINT",
        "HF_TOKEN",
        "HF_HUB_OFFLINE",
    ] {
        command.env_remove(variable);
    }
    let command = command
        .args(["explain", model, "--tp", "2"])
        .current_dir(folder);
    let variables = variables.iter().copied();
    command
        .envs(variables)
        .output()
        .expect("the program starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain name")
}

#[test]
fn a_name_is_found_in_the_cache() {
    let home = home();
    let by_path = explain(text(&fixture("llama_gqa")), home.path(), &[]);
    let by_path = printed(by_path);
    let hub = home.path().join("hub");
    let commit = format!("org/tiny@{COMMIT}");
    for (name, variable, folder) in [
        ("org/tiny", "HF_HOME", home.path()),
        ("org/tiny@main", "HF_HOME", home.path()),
        (&commit, "HF_HOME", home.path()),
        ("org/tiny", "HF_HUB_CACHE", &hub),
    ] {
        let variables = [(variable, text(folder)), ("HF_HUB_OFFLINE", "1")];
        assert_eq!(printed(explain(name, home.path(), &variables)), by_path);
    }
}

#[test]
fn a_folder_wins_over_a_name() {
    let home = home();
    let folder = home.path().join("org/tiny");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(
        fixture("qwen3").join("config.json"),
        folder.join("config.json"),
    )
    .expect("a config");
    let variables = [("HF_HOME", text(home.path())), ("HF_HUB_OFFLINE", "1")];
    let found = printed(explain("org/tiny", home.path(), &variables));
    assert!(found.starts_with("Qwen3ForCausalLM"), "{found}");
}

#[test]
fn where_the_hub_is_not_reached_the_cache_is_told_of() {
    let home = home();
    // Nothing listens there.
    let endpoint = "http://127.0.0.1:1";
    let variables = [("HF_HOME", text(home.path())), ("HF_ENDPOINT", endpoint)];
    let found = explain("org/tiny", home.path(), &variables);
    let note = errors(&found);
    assert!(
        note.starts_with("note: http://127.0.0.1:1 gives no answer"),
        "{note}"
    );
    assert!(note.contains("`org/tiny` is what the cache has"), "{note}");
    printed(found);
    let message = refused(explain("org/other", home.path(), &variables), 1);
    for part in [
        "there is no folder `org/other`",
        "gives no answer",
        "has no `org/other`",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn offline_a_missing_model_is_an_error_that_names_the_cache() {
    let home = home();
    let variables = [("HF_HOME", text(home.path())), ("HF_HUB_OFFLINE", "1")];
    let message = refused(explain("org/other@v1", home.path(), &variables), 1);
    let cache = home.path().join("hub");
    for part in ["`org/other@v1`", "HF_HUB_OFFLINE", text(&cache)] {
        assert!(message.contains(part), "{message}");
    }
}
