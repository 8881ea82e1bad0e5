//! `tp explain` as people run it.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{assert_snapshot, errors, fixture, printed, refused, tp, written};

/// The layers of the `llama_gqa` and `llama_bias` fixtures.
const LAYERS: usize = 2;

fn explain(model: &Path, flags: &str) -> Output {
    let model = model.to_str().expect("fixtures have plain names");
    let flags = flags.split_whitespace();
    tp(&["explain", model]
        .into_iter()
        .chain(flags)
        .collect::<Vec<_>>())
}

fn report(model: &str, flags: &str) -> Value {
    let text = printed(explain(&fixture(model), &format!("{flags} --json")));
    serde_json::from_str(&text).expect("`--json` prints JSON")
}

/// Calls that move activations, not gradients of parameters.
fn activations(calls: &Value) -> usize {
    let calls = calls.as_array().expect("a pass is a list");
    let moved = calls
        .iter()
        .filter(|call| call["operand"] == "input" || call["operand"] == "output");
    moved.count()
}

#[test]
fn the_text_is_what_it_was() {
    let gqa = printed(explain(&fixture("llama_gqa"), "--tp 2"));
    assert_snapshot("explain_llama_gqa.txt", &gqa);
    let flags = "--tp 4 --sequence-parallel --sequence 7 --batch 3 --dtype bf16";
    let bias = printed(explain(&fixture("llama_bias"), flags));
    assert_snapshot("explain_llama_bias_sequence_parallel.txt", &bias);
    let tied = printed(explain(&fixture("llama_tied"), "--tp 2"));
    assert_snapshot("explain_llama_tied.txt", &tied);
}

#[test]
fn weights_stored_as_fp8_are_counted_as_they_are_held() {
    let note = "weights are stored as FP8, and held and counted as bf16\n";
    for (model, is_told) in [("ministral3_fp8", true), ("ministral3", false)] {
        let text = printed(explain(&fixture(model), "--tp 2 --dtype bf16"));
        assert_eq!(text.contains(note), is_told, "{text}");
        assert_eq!(report(model, "--tp 2")["is_stored_as_fp8"] == true, is_told);
    }
    let described = json!({ "quantization": { "quant_algo": "FP8" } });
    let config = std::fs::read_to_string(fixture("ministral3").join("config.json"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |file: &str, text: String| {
        std::fs::write(folder.path().join(file), text).expect("a test can write");
    };
    write("config.json", config.expect("a fixture"));
    write("hf_quant_config.json", described.to_string());
    assert!(printed(explain(folder.path(), "--tp 2 --dtype bf16")).contains(note));
}

#[test]
fn weights_that_cannot_be_read_are_not_explained() {
    let config = std::fs::read_to_string(fixture("llama_gqa").join("config.json"));
    let mut config: Value = serde_json::from_str(&config.expect("a fixture")).expect("JSON");
    config["quantization_config"] = json!({ "quant_method": "gptq", "bits": 4 });
    let path = written("gptq.json", &config.to_string());
    let message = refused(explain(&path, "--tp 2"), 1);
    assert!(
        message.contains(
            "the weights are quantized with gptq: give the release that is not, or one that is stored as FP8"
        ),
        "{message}"
    );
}

#[test]
fn a_step_moves_activations_twice_a_layer_and_once_more_each_way() {
    // With sequence parallelism, an all-reduce is a reduce-scatter here and an all-gather there.
    for (flags, halves) in [
        ("--tp 2", 1),
        ("--tp 4", 1),
        ("--tp 4 --sequence-parallel", 2),
    ] {
        let report = report("llama_gqa", flags);
        for pass in ["forward", "backward"] {
            assert_eq!(
                activations(&report[pass]),
                halves * (2 * LAYERS + 1),
                "{flags}"
            );
        }
    }
}

#[test]
fn every_layer_and_its_memory_are_in_the_json() {
    let report = report("llama_gqa/config.json", "--tp 2 --dtype bf16");
    assert_eq!(report["even_degrees"], json!([1, 2, 4, 8]));
    let ranges = json!([{ "start": 0, "end": 4 }, { "start": 4, "end": 8 }]);
    assert_eq!(report["heads"][0]["ranks"], ranges);
    let layers = report["layers"].as_array().expect("layers are a list");
    assert_eq!(layers.len(), 9 * LAYERS + 4);
    let down = layers
        .iter()
        .find(|layer| layer["path"] == "model.layers.1.mlp.down_proj");
    let down = down.expect("the model has a second layer");
    assert_eq!(down["style"]["style"], "RowwiseParallel");
    assert_eq!(down["parameters"][0]["shape"], json!([64, 96]));
    assert_eq!(down["parameters"][0]["rank_shape"], json!([64, 48]));
    assert_eq!(down["parameters"][0]["rank_bytes"], 64 * 48 * 2);
    let rank: u64 = layers
        .iter()
        .flat_map(|layer| layer["parameters"].as_array())
        .flatten()
        .filter_map(|parameter| parameter["rank_bytes"].as_u64())
        .sum();
    assert_eq!(report["memory"]["rank_bytes"], rank);
}

#[test]
fn a_tied_table_counts_once() {
    let report = report("llama_tied", "--tp 2");
    let head = report["layers"].as_array().and_then(|layers| layers.last());
    let head = &head.expect("the model has layers")["parameters"][0];
    assert_eq!(head["tied_to"], "model.embed_tokens.weight");
    let parameters = 128 * 32 + 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 64 * 32 + 2 * 32) + 32;
    assert_eq!(report["memory"]["bytes"], 4 * parameters);
}

#[test]
fn what_every_rank_holds_whole_is_named_with_its_share() {
    let report = report("mistral3_cond", "--tp 2 --plan sequence-parallel");
    let tower = 16 * 3 * 2 * 2 + 16 + 2 * (2 * 16 + 3 * 24 * 16 + 4 * 16 * 16);
    let projector = 16 + 16 * 64 + 2 * 16 * 16;
    let norms = 2 * 2 * 16 + 16;
    let replicated = 4 * (tower + projector + norms);
    assert_eq!(report["memory"]["replicated_bytes"], replicated);
    let flags = "--tp 2 --plan sequence-parallel";
    let text = printed(explain(&fixture("mistral3_cond"), flags));
    let line = "replicated on every rank: 24.4 KiB, 37.1 % of the model: model.vision_tower 18.1 KiB, \
                model.multi_modal_projector 6.1 KiB, \
                model.language_model.layers.*.input_layernorm 128 B and 2 more\n";
    assert!(text.contains(line), "{text}");
    // The rows of the plan it starts from say that the tower is meant.
    let of_tower = text.lines().filter(|line| line.contains("vision_tower."));
    assert!(of_tower.clone().count() > 0);
    for line in of_tower {
        assert!(line.contains("replicated (`_`)"), "{line}");
    }
}

#[test]
fn uneven_heads_are_told_with_what_they_cost() {
    let heads = |flags| {
        let text = printed(explain(&fixture("qwen2_heads14"), flags));
        let lines = text
            .lines()
            .skip_while(|line| *line != "heads of each rank:");
        let heads: Vec<String> = lines.skip(1).take(2).map(str::to_owned).collect();
        heads
    };
    assert_eq!(
        heads("--tp 4"),
        [
            "  num_attention_heads, 14: 4, 4, 3, 3; rank 0 does 4 heads, the mean is 3.5: 14 % above even",
            "  num_key_value_heads, 2: ranks share them as their queries read them, 0 | 0-1 | 1 | 1",
        ]
    );
    assert_eq!(heads("--tp 2")[0], "  num_attention_heads, 14: 7 each");
    let idle = &heads("--tp 16")[0];
    assert!(
        idle.ends_with("14 % above even, and 2 ranks have none"),
        "{idle}"
    );
    // Of four ranks, the second has both key-value heads: it is the one that holds most.
    let report = report("qwen2_heads14", "--tp 4");
    let layers = report["layers"].as_array().expect("layers are a list");
    let key = layers
        .iter()
        .find(|layer| layer["path"] == "model.layers.0.self_attn.k_proj");
    let key = &key.expect("the model has a layer")["parameters"][0];
    assert_eq!(
        (&key["rank_shape"], &key["uneven"]),
        (&json!([8, 56]), &json!(true))
    );
}

#[test]
fn what_cannot_be_explained_is_refused_with_a_reason() {
    let gqa = fixture("llama_gqa");
    let text = refused(explain(&gqa, "--tp 2 --plan mine"), 1);
    assert!(text.contains("no plan \"mine\""), "{text}");
    let text = refused(explain(&fixture("no_such_model"), "--tp 2"), 1);
    assert!(text.contains("no_such_model"), "{text}");
    let text = refused(
        explain(&gqa.join("model.safetensors.index.json"), "--tp 2"),
        1,
    );
    assert!(text.contains("architectures"), "{text}");
    refused(explain(&gqa, "--tp 0"), 2);
    refused(explain(&gqa, ""), 2);
}

#[test]
fn an_unknown_architecture_names_the_near_one() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unknown_architecture.json");
    std::fs::write(&path, r#"{ "architectures": ["LlamaForCausalML"] }"#)
        .expect("a test can write");
    let text = refused(explain(&path, "--tp 2"), 1);
    assert!(text.contains("did you mean `LlamaForCausalLM`?"), "{text}");
}

#[test]
fn the_costs_of_training_are_what_they_were() {
    let flags = "--tp 2 --sequence-parallel --dp 2 --zero 3 --recompute full --micro-batch 2 --global-batch 8 --dtype bf16";
    let text = printed(explain(&fixture("llama_gqa"), flags));
    let start = text.find("training on").expect("costs of training");
    assert_snapshot("explain_llama_gqa_training.txt", &text[start..]);
}

#[test]
fn what_ranks_divide_is_a_part_on_each() {
    let memory = |flags: &str| report("llama_gqa", flags)["training"]["memory"].clone();
    let replicas = memory("--tp 2 --dp 4 --zero 0");
    let optimizer = memory("--tp 2 --dp 4");
    let parameters = memory("--tp 2 --dp 4 --zero 3");
    assert_eq!(optimizer["parameters"], replicas["parameters"]);
    for (part, whole, of) in [
        ("moments", &replicas, &optimizer),
        ("parameters", &replicas, &parameters),
        ("gradients", &replicas, &parameters),
    ] {
        let [whole, of] = [whole, of].map(|memory| memory[part].as_u64().expect("bytes"));
        assert_eq!(whole, 4 * of, "{part}");
    }
}

#[test]
fn training_on_one_rank_sends_nothing() {
    let text = printed(explain(&fixture("llama_gqa"), "--tp 1 --recompute full"));
    assert!(text.contains("a step: no collectives"), "{text}");
    let report = report("llama_gqa", "--tp 1 --batch 4");
    assert!(report.get("training").is_none(), "nobody asked for it");
}

#[test]
fn a_batch_that_does_not_divide_is_refused() {
    let flags = "--tp 2 --dp 2 --micro-batch 2 --global-batch 9";
    let text = refused(explain(&fixture("llama_gqa"), flags), 1);
    assert!(text.contains("the nearest that do are 8 and 12"), "{text}");
}

#[test]
fn bytes_are_of_the_type_that_the_config_gives() {
    let llama = fixture("llama_gqa").join("config.json");
    let llama = std::fs::read_to_string(llama).expect("a fixture");
    let llama: Value = serde_json::from_str(&llama).expect("JSON");
    let explained = |dtype: Value, flags: &str| {
        let mut config = llama.clone();
        let fields = config.as_object_mut().expect("a config");
        fields.remove("dtype");
        fields.extend(dtype.as_object().expect("fields").clone());
        let name = format!("dtype{}.json", dtype.to_string().len());
        let file = written(&name, &config.to_string());
        explain(&file, &format!("--tp 2 --json {flags}"))
    };
    for (fields, flags, dtype, why) in [
        (json!({}), "", "f32", "no `dtype`"),
        (
            json!({"dtype": "bfloat16"}),
            "",
            "bf16",
            "`dtype` is `bfloat16`",
        ),
        (
            json!({"torch_dtype": "float16"}),
            "",
            "bf16",
            "`torch_dtype` is `float16`, which has as many bits",
        ),
        (
            json!({"dtype": null, "text_config": {"torch_dtype": "bfloat16"}}),
            "",
            "bf16",
            "`text_config.torch_dtype`",
        ),
        (json!({"dtype": "bfloat16"}), "--dtype f32", "f32", ""),
    ] {
        let output = explained(fields.clone(), flags);
        let said = errors(&output);
        assert!(said.contains(why), "{fields} {flags}: {said}");
        assert_eq!(said.is_empty(), why.is_empty(), "{said}");
        let report: Value = serde_json::from_str(&printed(output)).expect("JSON");
        assert_eq!(report["dtype"], dtype, "{fields} {flags}");
    }
    let refused = refused(explained(json!({"dtype": "int8"}), ""), 1);
    assert!(
        refused.contains("`dtype` is `int8`: give --dtype"),
        "{refused}"
    );
}
