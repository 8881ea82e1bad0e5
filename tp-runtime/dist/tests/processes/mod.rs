//! Ranks that are processes: a test's own binary, started again once per rank.
#![allow(dead_code, reason = "every test binary uses some of these")]

use std::net::TcpListener;
use std::ops::Range;
use std::process::{Child, Command, Output, Stdio};

/// Set in the processes that are ranks: what to do.
pub(crate) const SCENARIO: &str = "TP_TEST_SCENARIO";

/// What this process is to do as a rank; `None` in the test run itself.
pub(crate) fn scenario() -> Option<String> {
    std::env::var(SCENARIO).ok()
}

/// Ends a rank's process: its value or its error is printed between angle brackets.
pub(crate) fn report(outcome: Result<String, impl std::fmt::Display>) {
    match outcome {
        Ok(text) => println!("<{text}>"),
        Err(error) => {
            eprintln!("<{error}>");
            std::process::exit(7);
        }
    }
}

/// Starts the test `rank_process` of this binary for some ranks, with the variables of each.
pub(crate) fn start<'a>(
    scenario: &str,
    ranks: Range<usize>,
    variables: impl Fn(usize) -> Vec<(&'a str, String)>,
) -> Vec<Child> {
    let rank = |rank: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "rank_process", "--nocapture"])
            .env(SCENARIO, scenario)
            .envs(variables(rank))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    ranks.map(rank).collect()
}

pub(crate) fn finish(ranks: Vec<Child>) -> Vec<Output> {
    ranks
        .into_iter()
        .map(|rank| rank.wait_with_output().unwrap())
        .collect()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn free_port() -> String {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port().to_string()
}
