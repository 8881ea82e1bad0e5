//! Plans that come back from Python's words are what they were, and the printed tables compile.

/// What `tp import` prints for every plan of a model; `SNAPSHOTS=overwrite` writes it anew.
mod tables;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tp_models as _;
use tp_runtime::interop::{self, Columns, Import, InteropError, PlanSource, python};
use tp_runtime::model::model_for;
use tp_runtime::plan::check::{Flow, covered, faults};
use tp_runtime::plan::{self, Mode, Plan, Style, plan_for_architecture, row_differences};

const GENERATED: &str = "imported-";

/// The plans of the models, and not those of the tables here.
fn shipped() -> impl Iterator<Item = &'static Plan> {
    let is_own = |plan: &&Plan| {
        !plan
            .alternate
            .is_some_and(|name| name.starts_with(GENERATED))
    };
    plan::plans().into_iter().filter(is_own)
}

/// Those of whole models, which hold the plans of their parts.
fn of_models() -> impl Iterator<Item = &'static Plan> {
    shipped().filter(|plan| model_for(plan.model()).is_ok())
}

fn imported(plan: &'static Plan) -> Import {
    let mut import = read(&interop::json(plan));
    import.fit(plan.node).expect("its own modules are there");
    import
}

fn read(json: &Value) -> Import {
    match Import::from_json(json) {
        Ok(import) => import,
        Err(error) => panic!("{json}: {error}"),
    }
}

fn refused(json: Value) -> String {
    match Import::from_json(&json) {
        Ok(import) => panic!("{import:?}"),
        Err(error) => error.to_string(),
    }
}

type Row = (String, bool, [Option<Style>; 2]);

/// The rows that split something, by pattern.
fn rows(plan: &'static Plan) -> Vec<Row> {
    let rows = plan::rows(plan).into_iter();
    let split = rows.filter(|row| !row.is_replicated());
    let mut rows: Vec<Row> = split
        .map(|row| {
            let styles = Mode::ALL.map(|mode| row.style(mode));
            (row.pattern.clone(), row.is_optional(), styles)
        })
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

fn assert_proven(plan: &'static Plan) {
    assert_eq!(faults(plan), [""; 0], "{}", plan.name);
    covered(plan);
    for mode in Mode::ALL {
        let conflict = Flow::of(plan)
            .conflict(mode)
            .map(|conflict| conflict.message());
        assert!(
            conflict.is_none(),
            "{}: {:?}",
            plan.name,
            conflict.map(|text| text.as_str().to_owned())
        );
    }
}

#[test]
fn every_plan_comes_back_from_json_with_the_same_rows() {
    for plan in shipped() {
        let back = imported(plan).plan(plan.node, plan.name);
        assert_eq!(rows(back), rows(plan), "{}", plan.name);
        for mode in Mode::ALL {
            assert_eq!(back.supports(mode), plan.supports(mode), "{}", plan.name);
            assert_eq!(row_differences([plan, back], mode), [], "{}", plan.name);
        }
        assert_proven(back);
    }
}

#[test]
fn the_printed_tables_are_those_that_compile_here() {
    let mut text = String::from("//! Written by a test of this folder.\n");
    for plan in of_models() {
        let table = PlanSource {
            import: &imported(plan),
            model: Some(plan.node),
            name: plan.name,
            alternate: Some(&format!("{GENERATED}{}", plan.name)),
            doc: "Imported.",
        };
        text.push_str(&format!("\n{table}\n"));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/tables.rs");
    if std::env::var_os("SNAPSHOTS").is_some_and(|wish| wish == "overwrite") {
        fs::write(&file, &text).expect("tests can write here");
    }
    let kept = fs::read_to_string(&file).expect("it is a module of this test");
    assert!(
        kept == text,
        "{} differs; SNAPSHOTS=overwrite writes it anew",
        file.display()
    );
}

#[test]
fn a_printed_table_says_what_the_plan_does() {
    for plan in of_models() {
        let name = format!("{GENERATED}{}", plan.name);
        let table = plan::plan_named(plan.model(), &name).expect("the table is compiled in");
        assert_eq!(rows(table), rows(plan), "{}", plan.name);
    }
}

#[test]
fn transformers_own_plans_have_a_table_that_is_proven() {
    let text = include_str!("../fixtures/transformers_plans.json");
    let configs: serde_json::Map<String, Value> = serde_json::from_str(text).expect("JSON");
    for (architecture, config) in configs {
        let mut import = read(&config);
        assert_eq!(import.architecture.as_ref(), Some(&architecture));
        let model = model_for(&architecture).expect("a model of ours").node();
        let fit = import.fit(model).expect("transformers' names are ours");
        let images = architecture.ends_with("ConditionalGeneration");
        let prefix = if images {
            "model.language_model"
        } else {
            "model"
        };
        assert_eq!(
            (fit.prefix.as_str(), fit.nameless.len()),
            (prefix, 0),
            "{architecture}"
        );
        assert_proven(import.plan(model, "config.json"));
    }
}

#[test]
fn pytorchs_words_are_what_they_say() {
    let import = read(&json!({
        "a": "ColwiseParallel",
        "b": "ColwiseParallel(output_layouts=Replicate(), use_local_output=False)",
        "c": "RowwiseParallel(input_layouts=(Replicate(),), output_layouts=(Shard(dim=1),), use_local_output=True)",
        "d": "SequenceParallel(sequence_dim=1)",
        "e": { "style": "RowwiseParallel", "output_layouts": "Shard(1)", "use_local_output": false },
    }));
    assert_eq!(import.columns, Columns::SequenceParallel);
    let cells = import.rows.iter().map(|row| row.sequence_parallel);
    let cells: Vec<String> = cells.flatten().map(|style| style.to_string()).collect();
    assert_eq!(
        cells,
        [
            "Colwise",
            "Colwise(output: Replicate, local: false)",
            "Rowwise(input: Replicate, output: Shard(1), local: true)",
            "SequenceParallel",
            "Rowwise(output: Shard(1))",
        ]
    );
}

#[test]
fn what_no_table_can_say_is_an_error_for_each_entry() {
    let message = refused(json!({
        "layers.*.mlp.experts": "grouped_gemm",
        "layers.*.mlp.up_proj": "colwize",
        "layers.*.mlp.down_proj": "RowwiseParalel()",
        "layers.*.mlp.*_proj": "colwise",
        "layers.*.self_attn": "ColwiseParallel(output_layouts=Shard(0))",
        "layers.*.norm": "SequenceParallel(input_layouts=Shard(1))",
        "lm_head": "ColwiseParallel(",
        "norm": 3,
    }));
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    let begins = [
        "\"layers.*.mlp.experts\": `grouped_gemm` means what no style here does; the words that are translated are `colwise`, `rowwise`,",
        "\"layers.*.mlp.up_proj\": unknown word `colwize`: did you mean `colwise`?",
        "\"layers.*.mlp.down_proj\": unknown style `RowwiseParalel`: did you mean `RowwiseParallel`?",
        "\"layers.*.mlp.*_proj\": no pattern of modules:",
        "\"layers.*.self_attn\": `ColwiseParallel` cannot have `output_layouts=Shard(0)`: it can have `output_layouts=Shard(-1)` and",
        "\"layers.*.norm\": `SequenceParallel` takes no `input_layouts`: it takes `sequence_dim`",
        "\"lm_head\": `ColwiseParallel(` is no style: write it as in Python",
        "\"norm\": 3 is no style: write a word",
    ];
    assert_eq!(lines.len(), begins.len(), "{message}");
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
}

#[test]
fn nothing_in_a_file_is_passed_over() {
    let beside = refused(json!({ "tp": { "lm_head": "colwise" }, "norm": "colwise" }));
    assert!(
        beside.contains("`norm` stands beside the columns"),
        "{beside}"
    );
    let several = refused(json!({ "LlamaForCausalLM": { "tp": {}, "sp": null } }));
    assert!(several.contains("jq '.LlamaForCausalLM'"), "{several}");
    let bare = refused(json!({ "model_type": "llama", "base_model_tp_plan": null }));
    assert!(
        bare.contains("neither `base_model_tp_plan` nor `_tp_plan`"),
        "{bare}"
    );
}

#[test]
fn a_left_column_that_splits_the_sequence_is_refused() {
    let message = refused(json!({ "tp": { "norm": "SequenceParallel" }, "sp": null }));
    assert!(message.contains("it belongs under \"sp\""), "{message}");
}

#[test]
fn a_pattern_that_names_nothing_is_optional_or_an_error() {
    let model = model_for("LlamaForCausalLM")
        .expect("a model of ours")
        .node();
    let mut import = read(&json!({
        "layers.*.mlp.gate_up_proj": "colwise",
        "layers.*.mlp.down_proj": "rowwise",
    }));
    let fit = import
        .fit(model)
        .expect("a fused projection could stand there");
    assert_eq!(fit.nameless, ["model.layers.*.mlp.gate_up_proj"]);
    let mut import =
        read(&json!({ "layers.*.mlp.down_proj": "rowwise", "layers.*.mpl.up_proj": "colwise" }));
    match import.fit(model) {
        Err(InteropError::Rows { messages }) => assert_eq!(
            messages,
            ["no module \"model.layers.*.mpl.up_proj\" in LlamaForCausalLM: did you mean \"mlp\"?"]
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn elements_that_rows_single_out_leave_the_others_whole() {
    let model = model_for("LlamaForCausalLM")
        .expect("a model of ours")
        .node();
    let mut import = read(&json!({
        "model.layers.0.mlp.up_proj": "ColwiseParallel(output_layouts=Replicate())",
        "lm_head": "colwise_gather_output",
    }));
    let fit = import.fit(model).expect("they are there");
    let attention = "model.layers.*.self_attn";
    assert_eq!(
        fit.whole,
        ["model.embed_tokens", attention, "model.layers.*.mlp"]
    );
    assert_proven(import.plan(model, "plan.json"));
}

#[test]
fn a_plan_in_python_gathers_where_pytorch_would_not() {
    let gathered = |architecture| {
        let plan = plan_for_architecture(architecture).expect("it has one");
        let text = python(plan, Mode::SequenceParallel).expect("PyTorch has its styles");
        text.contains("q_proj\": ColwiseParallel(input_layouts=Shard(1)),")
    };
    // Phi's norms leave the sequence split; Llama's gather it.
    assert!(gathered("PhiForCausalLM") && !gathered("LlamaForCausalLM"));
}
