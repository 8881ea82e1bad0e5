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

const GEMMA: &str = "Gemma3ForConditionalGeneration";

#[test]
fn a_plan_that_fits_two_places_names_both() {
    let projections =
        r#""layers.*.self_attn.q_proj": "colwise", "layers.*.self_attn.k_proj": "colwise""#;
    let file = written("import_two_places.json", &format!("{{ {projections} }}"));
    let text = refused(import(&file, &["--model", GEMMA]), 2);
    for part in [
        "from \"model.vision_tower.",
        "from \"model.language_model\"",
        "write which is meant",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    // The text part's own plan is for it, and as they stand names mean one place.
    let nested = format!(
        r#"{{ "architectures": ["{GEMMA}"], "_tp_plan": {{ "lm_head": "colwise_gather_output" }},
            "text_config": {{ "base_model_tp_plan": {{ {projections} }} }} }}"#
    );
    let table = printed(import(&written("import_nested.json", &nested), &[]));
    for line in [
        "\"model.language_model.layers.*.self_attn.{q,k}_proj\"",
        "=> Colwise(output: Replicate),",
    ] {
        assert!(table.contains(line), "{line} is not in: {table}");
    }
    let named = projections.replace("\"layers", "\"model.language_model.layers");
    let file = written("import_named_place.json", &format!("{{ {named} }}"));
    let table = printed(import(&file, &["--model", GEMMA]));
    assert!(
        table.contains("model.language_model.layers.*.self_attn.{q,k}_proj"),
        "{table}"
    );
}

#[test]
fn what_prepares_modules_is_no_row() {
    let plan = r#"{
        "model.embed_tokens": "RowwiseParallel(input_layouts=Replicate(), output_layouts=Shard(1))",
        "model.layers.*.input_layernorm": "SequenceParallel()",
        "model.layers.*.self_attn": "PrepareModuleInput(input_kwarg_layouts={'hidden_states': Shard(1)}, desired_input_kwarg_layouts={'hidden_states': Replicate()})",
        "model.layers.*.self_attn.q_proj": "ColwiseParallel()",
        "model.layers.*.self_attn.k_proj": "ColwiseParallel()",
        "model.layers.*.self_attn.v_proj": "ColwiseParallel()",
        "model.layers.*.self_attn.o_proj": "RowwiseParallel(output_layouts=Shard(1))",
        "model.layers.*.post_attention_layernorm": "SequenceParallel()",
        "model.layers.*.mlp": {"style": "PrepareModuleInputOutput", "input_layouts": ["Shard(1)", null]},
        "model.layers.*.mlp.gate_proj": "ColwiseParallel()",
        "model.layers.*.mlp.up_proj": "ColwiseParallel()",
        "model.layers.*.mlp.down_proj": "RowwiseParallel(output_layouts=Shard(1))",
        "model.norm": "torch.distributed.tensor.parallel.SequenceParallel()",
        "model.rotary_emb": "torch.distributed.tensor.parallel.PrepareModuleOutput(output_layouts=Shard(1), desired_output_layouts=Replicate())",
        "lm_head": "NoParallel()"
    }"#;
    let file = written("import_prepare.json", plan);
    let output = import(&file, &["--model", "LlamaForCausalLM"]);
    let said = errors(&output);
    for class in [
        "PrepareModuleInput",
        "PrepareModuleInputOutput",
        "PrepareModuleOutput",
    ] {
        assert!(said.contains(&format!("`{class}` of \"model.")), "{said}");
    }
    assert!(!said.contains("does not compile"), "{said}");
    let table = printed(output);
    assert!(
        !table.contains("Prepare") && !table.contains("self_attn\""),
        "{table}"
    );
    assert!(
        table.contains("\"lm_head\"") && table.contains("mlp.{gate,up}_proj"),
        "{table}"
    );
}
