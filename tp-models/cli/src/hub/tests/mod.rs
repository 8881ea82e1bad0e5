//! Downloads from a server of this host.

mod server;

use std::fs;
use std::path::Path;

use hf_hub::Cache;
use tempfile::TempDir;

use self::server::{COMMIT, Mood, Server};
use super::name::ModelName;
use super::{Files, Hub};
use crate::output::message;

const INDEX: &str =
    r#"{ "weight_map": { "a": "model-1.safetensors", "b": "model-2.safetensors" } }"#;

/// A model of two files of weights, and what else lies beside them.
const SHARDED: [(&str, &str); 9] = [
    ("README.md", "# A model"),
    ("additional_chat_templates/tool_use.jinja", "{{ tools }}"),
    ("config.json", "{}"),
    ("generation_config.json", "{ }"),
    ("model-1.safetensors", "the first half of the weights"),
    ("model-2.safetensors", "and the second"),
    ("model.safetensors.index.json", INDEX),
    ("pytorch_model.bin", "a pickle"),
    ("tokenizer.json", "{  }"),
];

/// What a model is run with of these.
const RUN_WITH: [&str; 7] = [
    "additional_chat_templates/tool_use.jinja",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "model.safetensors.index.json",
    "model-1.safetensors",
    "model-2.safetensors",
];

fn hub(cache: &Path, endpoint: &str) -> Hub {
    Hub {
        endpoint: endpoint.to_owned(),
        cache: Cache::new(cache.to_owned()),
        token: None,
        is_offline: false,
    }
}

fn name(text: &str) -> ModelName {
    ModelName::parse(text).expect("a name")
}

fn refused(hub: &Hub, files: Files) -> String {
    let refused = hub.snapshot(&name("org/name"), files);
    message(&refused.expect_err("no such model"))
}

fn twice<'a>(files: &[&'a str]) -> Vec<&'a str> {
    files.iter().flat_map(|file| [*file; 2]).collect()
}

/// A server of that model, and a cache that is empty.
fn sharded() -> (Server, TempDir) {
    let cache = tempfile::tempdir().expect("a temporary folder");
    (Server::of(&SHARDED), cache)
}

#[test]
fn what_is_needed_is_downloaded_once_and_found_without_the_hub() {
    let (server, cache) = sharded();
    let mut hub = hub(cache.path(), &server.endpoint);
    let dir = hub
        .snapshot(&name("org/name"), Files::Config)
        .expect("a config");
    assert_eq!(server.asked(), twice(&["config.json"]));
    let expected = cache
        .path()
        .join("models--org--name/snapshots")
        .join(COMMIT);
    assert_eq!(dir, expected);

    hub.snapshot(&name("org/name"), Files::Companions)
        .expect("its companions");
    let companions = [RUN_WITH[0], RUN_WITH[2], RUN_WITH[3]];
    assert_eq!(server.asked(), twice(&companions));
    hub.snapshot(&name("org/name"), Files::Checkpoint)
        .expect("a checkpoint");
    assert_eq!(server.asked(), twice(&RUN_WITH[4..]));
    for (file, text) in SHARDED {
        let found = fs::read_to_string(dir.join(file)).ok();
        assert_eq!(
            found.as_deref(),
            RUN_WITH.contains(&file).then_some(text),
            "{file}"
        );
    }
    let reference = fs::read_to_string(cache.path().join("models--org--name/refs/main"));
    assert_eq!(reference.expect("a reference"), COMMIT);

    hub.snapshot(&name("org/name"), Files::Checkpoint)
        .expect("the same");
    server.set(Mood::Refuses(503));
    hub.snapshot(&name("org/name"), Files::Checkpoint)
        .expect("the same without the hub");
    let commit = name(&format!("org/name@{COMMIT}"));
    server.set(Mood::Refuses(404));
    hub.snapshot(&commit, Files::Checkpoint)
        .expect("a commit is not asked for");
    hub.is_offline = true;
    assert_eq!(
        hub.snapshot(&name("org/name"), Files::Checkpoint)
            .expect("offline"),
        dir
    );
    assert_eq!(server.asked(), [""; 0]);
}

#[test]
fn a_refusal_says_what_to_do() {
    let (server, cache) = sharded();
    let hub = hub(cache.path(), &server.endpoint);
    for (status, advice) in [
        (404, "it knows no such model or revision"),
        (401, "set HF_TOKEN to a token that may read it"),
        (403, "ask for access on its page"),
        (500, "gives no answer (http status: 500)"),
        (418, "its answer is of no use"),
    ] {
        server.set(Mood::Refuses(status));
        let text = refused(&hub, Files::Checkpoint);
        assert!(text.contains(advice), "{text}");
        for part in [&server.endpoint, "there is no folder `org/name`"] {
            assert!(text.contains(part), "{text}");
        }
    }
}

#[test]
fn a_broken_connection_leaves_nothing_that_is_taken_for_a_file() {
    let (server, cache) = sharded();
    let mut hub = hub(cache.path(), &server.endpoint);
    server.set(Mood::Breaks);
    let text = refused(&hub, Files::Checkpoint);
    assert!(text.contains("`model-1.safetensors`"), "{text}");
    assert!(text.contains("run this again"), "{text}");

    hub.is_offline = true;
    let text = refused(&hub, Files::Checkpoint);
    assert!(text.contains("lacks `model-1.safetensors`"), "{text}");

    hub.is_offline = false;
    server.set(Mood::Well);
    let dir = hub
        .snapshot(&name("org/name"), Files::Checkpoint)
        .expect("it goes on");
    let found = fs::read_to_string(dir.join("model-1.safetensors"));
    assert_eq!(found.expect("a file"), SHARDED[4].1);
}

#[test]
fn a_part_that_cannot_be_of_the_file_is_told() {
    let (server, cache) = sharded();
    let hub = hub(cache.path(), &server.endpoint);
    server.set(Mood::Breaks);
    refused(&hub, Files::Checkpoint);
    server.set(Mood::Well);
    let blobs = cache.path().join("models--org--name/blobs");
    let blobs = fs::read_dir(blobs).expect("a folder of blobs");
    let mut paths = blobs.map(|blob| blob.expect("a blob").path());
    let part = paths.find(|path| path.extension().is_some_and(|ending| ending == "part"));
    fs::write(part.expect("half of a file"), [0; 99]).expect("a test can write");
    let text = refused(&hub, Files::Checkpoint);
    assert!(text.contains("remove the files `*.part` there"), "{text}");
}

#[test]
fn a_file_that_is_too_short_is_removed() {
    let (server, cache) = sharded();
    let hub = hub(cache.path(), &server.endpoint);
    server.set(Mood::Cuts);
    let text = refused(&hub, Files::Checkpoint);
    assert!(
        text.contains("`model-1.safetensors` came with 14 bytes and not 29"),
        "{text}"
    );
    server.set(Mood::Well);
    let dir = hub
        .snapshot(&name("org/name"), Files::Checkpoint)
        .expect("whole files");
    let found = fs::read_to_string(dir.join("model-1.safetensors"));
    assert_eq!(found.expect("a file"), SHARDED[4].1);
}

#[test]
fn a_snapshot_is_of_one_commit() {
    let (server, cache) = sharded();
    let hub = hub(cache.path(), &server.endpoint);
    server.set(Mood::Moves);
    let text = refused(&hub, Files::Config);
    assert!(
        text.contains("changed on the hub while it was downloaded"),
        "{text}"
    );
}

#[test]
fn a_model_without_what_is_read_is_refused() {
    for (files, reason) in [
        (&[("README.md", "")][..], "it has no `config.json`"),
        (
            &[("config.json", "{}")],
            "it has neither `model.safetensors` nor",
        ),
        (
            &[
                ("config.json", "{}"),
                ("model.safetensors.index.json", INDEX),
            ],
            "names `model-1.safetensors`, which it does not have",
        ),
        (
            &[("config.json", "{}"), ("model.safetensors.index.json", "{")],
            "cannot read",
        ),
        (
            &[
                ("config.json", "{}"),
                (
                    "model.safetensors.index.json",
                    r#"{ "weight_map": { "a": "../../../a.safetensors" } }"#,
                ),
            ],
            "names `../../../a.safetensors`, which is no file beside it",
        ),
    ] {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let server = Server::of(files);
        let text = refused(&hub(cache.path(), &server.endpoint), Files::Checkpoint);
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn processes_that_want_one_model_all_get_it() {
    let (server, cache) = sharded();
    std::thread::scope(|scope| {
        let get =
            || hub(cache.path(), &server.endpoint).snapshot(&name("org/name"), Files::Checkpoint);
        let all: Vec<_> = (0..4).map(|_| scope.spawn(get)).collect();
        for one in all {
            one.join().expect("no panic").expect("a checkpoint");
        }
    });
    assert_eq!(server.asked(), twice(&RUN_WITH));
}
