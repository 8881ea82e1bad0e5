//! Runs of the program, and the files it reads and writes.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tch::{Kind, Tensor};

/// A folder of committed checkpoints and reference outputs.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures")
        .join(name)
}

/// The program with arguments of words and paths, as in `tp!["eval --tp 2 --model", dir]`.
macro_rules! tp {
    [$($part:expr),+ $(,)?] => {
        crate::support::command(&[$(std::path::Path::new(&$part)),+])
    };
}
pub(crate) use tp;

/// The program; a part that is no absolute path is split into words.
pub(crate) fn command(parts: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tp"));
    for part in parts {
        match (part.is_absolute(), part.to_str()) {
            (false, Some(words)) => command.args(words.split_whitespace()),
            _ => command.arg(part),
        };
    }
    command.env("HF_HUB_OFFLINE", "1");
    for variable in ["RANK", "WORLD_SIZE", "LOCAL_RANK"] {
        command.env_remove(variable);
    }
    command
}

/// What a run that succeeds prints.
pub(crate) fn printed(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", errors(&output));
    String::from_utf8(output.stdout).expect("the program prints UTF-8")
}

/// What a run that fails says, its exit code checked.
pub(crate) fn refused(command: &mut Command, code: i32) -> String {
    let output = command.output().expect("the program starts");
    let text = errors(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {text}");
    assert!(text.starts_with("error: "), "{text}");
    text
}

/// Starts a command once for each rank, with the variables `torchrun` sets.
pub(crate) fn start(world_size: usize, command: impl Fn() -> Command) -> Vec<Child> {
    let socket = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = socket.expect("a free port").port();
    let rank = |rank: usize| {
        command()
            .env("RANK", rank.to_string())
            .env("LOCAL_RANK", rank.to_string())
            .env("WORLD_SIZE", world_size.to_string())
            .env("MASTER_ADDR", "127.0.0.1")
            .env("MASTER_PORT", port.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    };
    (0..world_size).map(rank).collect()
}

/// Waits for what a rank prints until it ends.
pub(crate) fn finish(rank: Child) -> Output {
    rank.wait_with_output().expect("the program ends")
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The tensors of a file by name.
pub(crate) fn tensors(file: &Path) -> BTreeMap<String, Tensor> {
    let read = Tensor::read_safetensors(file);
    read.expect("a safetensors file").into_iter().collect()
}

/// Writes a batch.
pub(crate) fn write(file: &Path, tensors: &[(&str, &Tensor)]) {
    Tensor::write_safetensors(tensors, file).expect("the folder is there");
}

/// Panics unless both are close in f32 arithmetic.
pub(crate) fn assert_close(name: &str, found: &Tensor, reference: &Tensor) {
    assert_eq!(found.size(), reference.size(), "{name}: another shape");
    let (found, reference) = (found.to_kind(Kind::Double), reference.to_kind(Kind::Double));
    let worst = (&found - &reference).abs().max().double_value(&[]);
    let allowed = 1e-6 + 1e-5 * reference.abs().max().double_value(&[]);
    // Written so that NaN fails.
    assert!(
        worst <= allowed,
        "{name}: off by {worst:.2e} where {allowed:.2e} is allowed"
    );
}
