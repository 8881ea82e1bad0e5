//! A folder of a run, and the page that `tp report` writes of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use roxmltree::{Document, Node, ParsingOptions};
use tempfile::TempDir;

use crate::support::{fixture, printed, tp};

pub(crate) const JOB: &str = "\
# Two by two
tp = 2
dp = 2
sequence-parallel = true
sequence = 64
batch = 8
zero = 1
recompute = \"full\"
steps = 3
";

pub(crate) const CHARTS: [&str; 5] = [
    "Loss",
    "Gradient norm",
    "Learning rate",
    "Tokens per second",
    "Memory in MiB",
];

/// A folder of a run.
pub(crate) struct Run(pub(crate) TempDir);

impl Run {
    pub(crate) fn with_log(log: &str) -> Self {
        let run = Self(tempfile::tempdir().expect("a temporary folder"));
        run.write("log.jsonl", log);
        run
    }

    /// One with all that a run can have.
    pub(crate) fn whole() -> Self {
        let run = Self::with_log(&(1..=3).map(step).collect::<String>());
        run.write("job.toml", JOB);
        run.save("step-3");
        symlink("step-3", run.path().join("latest")).expect("a link");
        run
    }

    /// A checkpoint, as far as a report reads it.
    pub(crate) fn save(&self, step: &str) {
        let folder = self.path().join(step);
        fs::create_dir(&folder).expect("a folder");
        let config = fixture("llama_gqa").join("config.json");
        fs::copy(config, folder.join("config.json")).expect("a config");
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("a test can write");
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The page that the program writes into the folder.
    pub(crate) fn page(&self) -> String {
        let run = self.path().to_str().expect("a plain name");
        let file = self.path().join("report.html");
        assert_eq!(
            printed(tp(&["report", run])),
            format!("wrote {}\n", file.display())
        );
        fs::read_to_string(file).expect("a page")
    }
}

/// A line of a log.
pub(crate) fn step(step: u64) -> String {
    let loss = 5.0 - (step as f64).log10();
    format!(
        "{{\"step\":{step},\"loss\":{loss},\"gradient_norm\":1.5,\"learning_rate\":3e-4,\"labels\":512.0,\"seconds\":0.5,\
         \"tokens_per_second\":1024.0,\"tokens_per_second_per_rank\":256.0,\"memory_mib\":300}}\n"
    )
}

/// A page, which is XML as well as HTML.
pub(crate) fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(page, options).expect("a page is well-formed")
}

pub(crate) fn all<'a>(page: &'a Document<'_>, name: &str) -> Vec<Node<'a, 'a>> {
    let nodes = page.descendants().filter(|node| node.has_tag_name(name));
    nodes.collect()
}

pub(crate) fn text(node: Node<'_, '_>) -> String {
    let texts = node
        .descendants()
        .filter_map(|node| node.text().filter(|_| node.is_text()));
    texts.collect()
}

/// What the images of a page are called.
pub(crate) fn images(page: &Document<'_>) -> Vec<String> {
    let images = all(page, "svg").into_iter();
    let labels = images.map(|image| {
        assert_eq!(image.attribute("role"), Some("img"));
        image
            .attribute("aria-label")
            .expect("an image says what it shows")
            .to_owned()
    });
    labels.collect()
}
