//! What the documents quote is what the code says, and what they link to is there.

use std::fs;
use std::path::Path;

fn read(file: &str) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// `tp_plan! { … }`, the first of a source.
fn table(source: &str) -> &str {
    let start = source.find("tp_plan! {").expect("a table starts");
    let end = source[start..].find("\n}").expect("a table ends");
    &source[start..start + end + 2]
}

#[test]
fn the_readme_shows_llamas_own_table() {
    let source = read("tp-models/src/llama.rs");
    assert!(read("README.md").contains(table(&source)));
}

#[test]
fn the_readme_shows_a_mistake_as_rustc_prints_it() {
    let readme = read("README.md");
    let source = read("tests/compile-fail/every_row_at_once.rs");
    assert!(readme.contains(table(&source)));
    let errors = read("tests/compile-fail/every_row_at_once.stderr");
    assert!(readme.contains(errors.trim_end()));
}

#[test]
fn the_messages_in_the_plan_guide_are_rustcs() {
    let guide = read("docs/plans.md");
    for case in ["layout_illegal", "name_near"] {
        let errors = read(&format!("tests/compile-fail/{case}.stderr"));
        let first = errors.split("\n\n").next().expect("a first error");
        assert!(guide.contains(first), "{case}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for (file, folder) in [
        ("README.md", "."),
        ("docs/architecture.md", "docs"),
        ("docs/plans.md", "docs"),
        ("docs/gpu.md", "docs"),
    ] {
        for link in read(file)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|link| !link.starts_with("http"))
        {
            let target = root().join(folder).join(link);
            assert!(target.exists(), "{file} links to `{link}`");
        }
    }
}
