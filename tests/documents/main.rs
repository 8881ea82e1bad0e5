//! What the documents quote is what the code says, and what they link to is there.

/// The tables of rules.
mod rules;

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use tp_models::{LlamaForCausalLM, Qwen3ForCausalLM};
use tp_runtime::explain::{Dtype, Setup, explain};
use tp_runtime::plan::{Item, Mode, Plan, Row, StyleKind, plan_for};
use tp_runtime::{Module, Result, config, model};

/// Only one half of each MLP, which `tp_plan!` would refuse.
static DOWN_ONLY: Plan = Plan {
    name: "DOWN_ONLY",
    doc: "",
    node: LlamaForCausalLM::NODE,
    alternate: Some("down-only"),
    base: None,
    items: &[Item::Row(
        Row::new(
            "model.layers.*.mlp.down_proj",
            Some(StyleKind::Rowwise.style()),
        )
        .on_line(line!()),
    )],
    has_sequence_column: false,
    file: file!(),
    line: line!(),
};

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
    for case in [
        "layout_illegal",
        "name_near",
        "coverage_attention",
        "flow_columns_without_rows",
        "shards_heads",
    ] {
        let errors = read(&format!("tests/compile-fail/{case}.stderr"));
        let first = errors.split("\n\n").next().expect("a first error");
        assert!(guide.contains(first), "{case}");
    }
}

#[test]
fn the_messages_about_sizes_and_layouts_are_ours() -> Result<()> {
    let config = config::read(&root().join("tests/fixtures/qwen3_heads28/config.json"))?;
    let report = explain(
        plan_for::<Qwen3ForCausalLM>()?,
        &*model::build(&config)?,
        setup(8),
    )?;
    let heads = report.heads.iter().map(|heads| format!("  {heads}\n"));
    let heads = format!("heads of each rank:\n{}", heads.collect::<String>());
    assert!(read("README.md").contains(&heads), "{heads}");
    let layouts = fault(&DOWN_ONLY, 2)?;
    assert!(read("docs/plans.md").contains(&layouts), "{layouts}");
    Ok(())
}

fn setup(degree: usize) -> Setup {
    Setup {
        degree: NonZeroUsize::new(degree).expect("a degree is at least 1"),
        mode: Mode::TensorParallel,
        batch: 1,
        sequence: 8,
        dtype: Dtype::F32,
    }
}

/// Why the plan cannot run a Llama on this many ranks.
fn fault(plan: &'static Plan, degree: usize) -> Result<String> {
    let config = config::read(&root().join("tests/fixtures/llama_gqa/config.json"))?;
    match explain(plan, &*model::build(&config)?, setup(degree)) {
        Ok(_) => panic!("`{}` is explained", plan.name),
        Err(error) => Ok(error.to_string()),
    }
}

/// How many blocks of code a guide has, each of which some source of a crate has word for word.
fn quotes(guide: &str, folder: &str, sources: &[&str]) -> usize {
    let line = |line: &str| format!("{}\n", line.trim_start());
    let unindented = |text: &str| text.lines().map(line).collect::<String>();
    let sources = sources.iter().map(|file| read(&format!("{folder}/{file}")));
    let sources: Vec<String> = sources.map(|source| unindented(&source)).collect();
    let guide = read(guide);
    let blocks = guide.split("```").skip(1).step_by(2);
    let code = blocks.filter_map(|block| {
        let (language, code) = block.split_once('\n')?;
        ["rust", "python"].contains(&language).then_some(code)
    });
    let found = |quoted: &str| sources.iter().any(|source| source.contains(quoted));
    code.inspect(|quoted| assert!(found(&unindented(quoted)), "{quoted}"))
        .count()
}

#[test]
fn the_guide_to_a_new_model_quotes_granite() {
    let sources = [
        "src/granite.rs",
        "src/main.rs",
        "tests/parity.rs",
        "tests/checkpoints.py",
    ];
    let count = quotes("docs/adding-a-model.md", "examples/granite", &sources);
    assert_eq!(count, 6);
}

#[test]
fn the_guide_to_a_new_layer_quotes_its_example_and_rustc() {
    let (guide, folder) = ("docs/adding-a-layer.md", "examples/fused-mlp");
    assert_eq!(quotes(guide, folder, &["src/gated_projection.rs"]), 4);
    let errors = read("tests/compile-fail/leaf_style.stderr");
    let message = errors.lines().next().expect("an error");
    let (_, message) = message.split_once("panicked: ").expect("ours");
    assert!(read(guide).contains(message), "{message}");
}

#[test]
fn every_link_leads_somewhere() {
    let documents = std::fs::read_dir(root().join("docs")).expect("the documents");
    let documents = documents
        .flatten()
        .map(|file| file.file_name().into_string());
    let documents = documents.map(|name| ("docs", name.expect("a plain name")));
    let others = [(".", "README.md"), ("examples/launch", "README.md")];
    let others = others.map(|(folder, name)| (folder, name.to_owned()));
    for (folder, file) in documents.chain(others) {
        for link in read(&format!("{folder}/{file}"))
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|link| !link.starts_with("http"))
        {
            let path = link.split('#').next().unwrap_or(link);
            let target = root().join(folder).join(path);
            assert!(target.exists(), "{folder}/{file} links to `{link}`");
        }
    }
}
