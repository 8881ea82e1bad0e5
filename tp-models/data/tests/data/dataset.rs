//! Files become data sets: every row is looked at, weighted and counted.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;

use serde_json::json;
use tempfile::TempDir;
use tp_data::{DataError, Dataset, LabelsOn, Progress};

use crate::cases::Cases;

struct Files {
    dir: TempDir,
}

impl Files {
    fn new() -> Self {
        let dir = TempDir::new().expect("a folder");
        Self { dir }
    }

    fn write(&self, name: &str, lines: &[String]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, lines.join("\n")).expect("a file");
        path
    }

    /// Rows of one letter each, repeated.
    fn letters(&self, name: &str, letters: &str) -> PathBuf {
        let row = |letter: char| format!("{{\"text\": \"{letter}\"}}");
        self.write(name, &letters.chars().map(row).collect::<Vec<_>>())
    }
}

fn open(files: &[(PathBuf, f64)], seed: u64) -> Result<Dataset, DataError> {
    let encoder = Cases::read().encoder("marked");
    Dataset::open(files, encoder, seed, &mut |_| ())
}

/// How often each text is seen in an epoch.
fn seen(dataset: &Dataset) -> BTreeMap<String, usize> {
    let tokenizer = Cases::read().encoder("marked").tokenizer;
    let mut seen = BTreeMap::new();
    for index in 0..dataset.len() {
        let sample = dataset.get(index).expect("a sample");
        assert_eq!(sample.ids.len(), dataset.length(index));
        assert_eq!(sample.labelled(), dataset.labelled(index));
        let ids: Vec<u32> = sample.ids.iter().map(|&id| id as u32).collect();
        *seen
            .entry(tokenizer.decode(&ids, true).expect("a text"))
            .or_default() += 1;
    }
    seen
}

#[test]
fn weights_are_whole_repeats_and_a_choice() {
    let files = Files::new();
    let (first, second) = (files.letters("1", "abcd"), files.letters("2", "wxyz"));
    let open = |seed| open(&[(first.clone(), 2.5), (second.clone(), 0.25)], seed).expect("samples");
    let found = seen(&open(1));
    let times = |letters: &str| -> Vec<usize> {
        let times = letters.chars().map(|letter| found.get(&letter.to_string()));
        let mut times: Vec<usize> = times.map(|times| times.copied().unwrap_or(0)).collect();
        times.sort_unstable();
        times
    };
    assert_eq!(times("abcd"), [2, 2, 3, 3]);
    assert_eq!(times("wxyz"), [0, 0, 0, 1]);
    assert_eq!(seen(&open(1)), found);
    assert!((2..20).any(|seed| seen(&open(seed)) != found));
}

#[test]
fn rows_are_counted_by_what_became_of_them() {
    let files = Files::new();
    let (question, answer) = (
        json!({"role": "user", "content": "a"}),
        json!({"role": "assistant", "content": "b"}),
    );
    let path = files.write(
        "rows",
        &[
            json!({"messages": [question, answer], "tools": [{"type": "function"}]}).to_string(),
            json!({"messages": [question], "tools": []}).to_string(),
            json!({"text": "a ".repeat(100)}).to_string(),
        ],
    );
    let mut encoder = Cases::read().encoder("marked");
    encoder.length = 50;
    let mut progress = Vec::new();
    let dataset = Dataset::open(&[(path, 1.0)], encoder, 0, &mut |at| progress.push(at));
    let dataset = dataset.expect("samples");
    assert_eq!(progress.last(), Some(&Progress { rows: 3, of: 3 }));
    let statistics = dataset.statistics();
    assert_eq!((statistics.rows, statistics.samples), (3, 2));
    assert_eq!(
        (
            statistics.cut,
            statistics.dropped,
            statistics.without_labels
        ),
        (1, 0, 1)
    );
    assert_eq!(statistics.longest, 50);
    assert_eq!(statistics.tokens as usize, statistics.shortest + 50);
    let text = statistics.to_string();
    assert!(
        text.contains("1 rows are left out: no token with a label"),
        "{text}"
    );
    assert_eq!(statistics.tools_hidden, 1);
    assert!(statistics.greatest_id > 1);
    let counted: usize = statistics
        .histogram
        .iter()
        .map(|bucket| bucket.samples)
        .sum();
    assert_eq!(counted, 2);
}

#[test]
fn a_bad_row_ends_the_opening() {
    let files = Files::new();
    let mut lines: Vec<String> = (0..5000)
        .map(|row| format!("{{\"text\": \"{row}\"}}"))
        .collect();
    lines[4321] = "{\"messages\": []}".to_owned();
    let path = files.write("rows", &lines);
    let error = open(&[(path, 1.0)], 0).expect_err("a bad row").to_string();
    assert!(
        error.contains("line 4322: the conversation is empty"),
        "{error}"
    );
}

#[test]
fn files_without_samples_are_refused() {
    let files = Files::new();
    let error = open(&[(files.letters("rows", ""), 1.0)], 0).expect_err("no sample");
    assert!(matches!(error, DataError::NoSamples { .. }));
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = open(&[(files.letters("rows", "a"), weight)], 0);
        assert!(matches!(refused, Err(DataError::Weight { .. })), "{weight}");
    }
    let refused = open(&[(files.letters("rows", "ab"), 3e9)], 0);
    assert!(matches!(refused, Err(DataError::TooManySamples { .. })));
}

#[test]
fn a_row_that_changes_is_noticed() {
    let files = Files::new();
    let path = files.write("rows", &["{\"text\": \"a b c d\"}".to_owned()]);
    let dataset = open(&[(path.clone(), 1.0)], 0).expect("a sample");
    fs::write(path, "{\"text\": \"a\"}      ").expect("a file");
    let error = dataset.get(0).expect_err("another row").to_string();
    assert!(
        error.contains("line 1: it has other tokens than when"),
        "{error}"
    );
}

#[test]
fn ranks_share_a_data_set() {
    let files = Files::new();
    let mut encoder = Cases::read().encoder("marked");
    encoder.labels_on = LabelsOn::Everything;
    let files = [(files.letters("rows", "abcdefgh"), 1.0)];
    let dataset = Dataset::open(&files, encoder, 0, &mut |_| ()).expect("samples");
    let read = || {
        (0..dataset.len())
            .map(|index| dataset.get(index).expect("a sample"))
            .collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let ranks: Vec<_> = (0..4).map(|_| scope.spawn(read)).collect();
        for rank in ranks {
            assert_eq!(rank.join().expect("a rank"), read());
        }
    });
}
