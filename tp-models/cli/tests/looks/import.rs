//! `tp import` as people run it.

use std::path::Path;
use std::process::Output;

use crate::support::{errors, printed, refused, tp, written};

/// transformers' plan of Llama, as `json.dumps(config.base_model_tp_plan)` gives it.
const LLAMA: &str = r#"{
    "layers.*.self_attn.q_proj": "colwise",
    "layers.*.self_attn.k_proj": "colwise",
    "layers.*.self_attn.v_proj": "colwise",
    "layers.*.self_attn.o_proj": "rowwise",
    "layers.*.mlp.gate_proj": "colwise",
    "layers.*.mlp.up_proj": "colwise",
    "layers.*.mlp.down_proj": "rowwise"
}"#;

fn import(file: &Path, flags: &[&str]) -> Output {
    let file = file.to_str().expect("tests have plain names");
    tp(&[&["import", file], flags].concat())
}

#[test]
fn transformers_plan_becomes_a_table_of_the_whole_model() {
    let file = written("import_llama.json", LLAMA);
    let output = import(
        &file,
        &["--model", "LlamaForCausalLM", "--name", "HUGGING_FACE"],
    );
    let remarks = errors(&output);
    assert!(
        remarks.contains("start from \"model\" of LlamaForCausalLM"),
        "{remarks}"
    );
    assert!(
        remarks.contains("nothing of \"model.embed_tokens\", \"lm_head\""),
        "{remarks}"
    );
    assert_eq!(
        printed(output),
        r#"tp_runtime::tp_plan! {
    /// Imported from `import_llama.json`.
    pub HUGGING_FACE for tp_models::llama::LlamaForCausalLM as "hugging-face";

    "model.embed_tokens"                    => _,
    "model.layers.*.self_attn.{q,k,v}_proj" => Colwise,
    "model.layers.*.self_attn.o_proj"       => Rowwise,
    "model.layers.*.mlp.{gate,up}_proj"     => Colwise,
    "model.layers.*.mlp.down_proj"          => Rowwise,
    "lm_head"                               => _,
}
"#
    );
}

#[test]
fn a_config_names_its_model_and_its_head() {
    let config = format!(
        r#"{{ "architectures": ["LlamaForCausalLM"], "base_model_tp_plan": {LLAMA},
            "_tp_plan": {{ "lm_head": "colwise_gather_output" }} }}"#
    );
    let table = printed(import(&written("import_config.json", &config), &[]));
    assert!(
        table.contains("=> Colwise(output: Replicate),\n}"),
        "{table}"
    );
    let file = written(
        "import_bare_config.json",
        r#"{ "architectures": ["LlamaForCausalLM"] }"#,
    );
    let text = refused(import(&file, &[]), 2);
    assert!(
        text.contains("neither `base_model_tp_plan` nor `_tp_plan`"),
        "{text}"
    );
}

#[test]
fn an_unknown_model_leaves_a_name_to_replace() {
    let output = import(&written("import_unknown.json", LLAMA), &[]);
    assert!(errors(&output).contains("replace `YourModel`"));
    let table = printed(output);
    assert!(table.contains("pub IMPORTED for YourModel;"), "{table}");
    assert!(
        table.contains("\"layers.*.mlp.{gate,up}_proj\"     => Colwise,"),
        "{table}"
    );
}

#[test]
fn a_plan_that_splits_the_sequence_is_the_right_column() {
    let plan = r#"{
        "model.embed_tokens": "RowwiseParallel(input_layouts=Replicate(), output_layouts=Shard(1))",
        "model.norm": "SequenceParallel()",
        "lm_head": "ColwiseParallel(input_layouts=Shard(1))"
    }"#;
    let file = written("import_sequence.json", plan);
    let output = import(&file, &["--model", "LlamaForCausalLM"]);
    assert!(errors(&output).contains("the plan splits the sequence"));
    let table = printed(output);
    assert!(
        table.contains("\"model.norm\"         => _               | SequenceParallel,"),
        "{table}"
    );
}

#[test]
fn a_table_that_rustc_will_refuse_says_so() {
    let plan = r#"{ "model.layers.*.mlp.down_proj": "rowwise" }"#;
    let file = written("import_half.json", plan);
    let output = import(&file, &["--model", "LlamaForCausalLM"]);
    let remarks = errors(&output);
    assert!(
        remarks.contains("the table does not compile as it is: \"model.layers.*.mlp.down_proj\""),
        "{remarks}"
    );
    assert_eq!(remarks.matches("does not compile").count(), 1, "{remarks}");
}

#[test]
fn what_cannot_be_imported_is_refused_with_a_reason() {
    for (name, plan, reason) in [
        ("broken", "{", "is no JSON"),
        ("list", "[]", "it is no plan"),
        ("empty", "{}", "it is no plan"),
        (
            "experts",
            r#"{ "lm_head": "grouped_gemm" }"#,
            "`grouped_gemm` means what no style here does",
        ),
        (
            "typo",
            r#"{ "model.layers.*.mpl.up_proj": "colwise" }"#,
            "did you mean \"mlp\"?",
        ),
        (
            "norm",
            r#"{ "model.norm": "colwise" }"#,
            "`Colwise` fits a linear layer or an embedding",
        ),
        (
            "struct",
            r#"{ "model.layers.*.mlp": "rowwise" }"#,
            "a row names one layer",
        ),
        (
            "ids",
            r#"{ "model.embed_tokens": "rowwise" }"#,
            "whose ids every rank needs",
        ),
    ] {
        let file = written(&format!("import_{name}.json"), plan);
        let text = refused(import(&file, &["--model", "LlamaForCausalLM"]), 2);
        assert!(
            text.contains(reason) && text.contains(&format!("import_{name}.json")),
            "{text}"
        );
    }
    let missing = Path::new("no_such_plan.json");
    assert!(refused(import(missing, &[]), 2).contains("cannot read `no_such_plan.json`"));
    let file = written("import_model.json", LLAMA);
    let text = refused(import(&file, &["--model", "Lama"]), 2);
    assert!(text.contains("`LlamaForCausalLM`"), "{text}");
    refused(import(&file, &["--name", "not a name"]), 2);
}
