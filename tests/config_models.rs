//! Which model a config is of, and that its sizes are its own.

use serde_json::{Map, Value, json};
use tp_models as _;
use tp_runtime::model;
use tp_tests::configs;

/// The name of the model that a config builds, or why it builds none.
fn built(config: &Value) -> Result<&'static str, String> {
    let model = model::build(config).map_err(|error| error.to_string())?;
    Ok(model.node().type_name)
}

/// The config of a tiny checkpoint with other fields; null takes one away.
fn changed(fixture: &str, changes: Value) -> Value {
    let mut config = configs::tiny().remove(fixture).expect("a fixture");
    let fields = config.as_object_mut().expect("a config");
    for (name, value) in changes.as_object().expect("changes") {
        match value {
            Value::Null => drop(fields.shift_remove(name)),
            value => drop(fields.insert(name.clone(), value.clone())),
        }
    }
    config
}

#[test]
fn a_type_alone_is_its_causal_language_model() {
    for (fixture, expected) in [
        ("llama_gqa", "LlamaForCausalLM"),
        ("qwen2", "Qwen2ForCausalLM"),
        ("qwen3", "Qwen3ForCausalLM"),
        // Auto classes do not look at what a classifier's config has besides.
        ("qwen3_seqcls", "Qwen3ForCausalLM"),
        ("phi2", "PhiForCausalLM"),
        ("phi3", "Phi3ForCausalLM"),
        ("gemma3_text", "Gemma3ForCausalLM"),
        ("gemma3_cond", "Gemma3ForConditionalGeneration"),
        ("ministral3", "Ministral3ForCausalLM"),
        ("mistral3_cond", "Mistral3ForConditionalGeneration"),
    ] {
        for architectures in [json!(null), json!([])] {
            let config = changed(fixture, json!({ "architectures": architectures }));
            assert_eq!(built(&config), Ok(expected));
        }
    }
}

#[test]
fn what_names_no_model_or_two_is_refused() {
    let refused = |changes: Value, reasons: &[&str]| {
        let error = built(&changed("llama_gqa", changes)).expect_err("no model");
        for reason in reasons {
            assert!(error.contains(reason), "{error}");
        }
    };
    let none = ["neither `architectures` nor `model_type`"];
    refused(json!({ "architectures": null, "model_type": null }), &none);
    let unknown = ["`mixtral`", "`llama`", "`qwen3`"];
    refused(
        json!({ "architectures": null, "model_type": "mixtral" }),
        &unknown,
    );
    refused(
        json!({ "architectures": null, "model_type": "lama" }),
        &["did you mean `llama`?"],
    );
    refused(
        json!({ "model_type": "mixtral" }),
        &["`LlamaForCausalLM`", "`mixtral`", "`llama`"],
    );
    refused(
        json!({ "architectures": ["PhiForCausalLM"], "model_type": "siglip_vision_model" }),
        &["`PhiForCausalLM`", "`siglip_vision_model`"],
    );
    for architectures in [json!("LlamaForCausalLM"), json!([7])] {
        refused(
            json!({ "architectures": architectures }),
            &["`architectures`", "is no list of names"],
        );
    }
}

#[test]
fn types_that_occur_together_are_accepted() {
    for (fixture, model_type) in [
        ("llama_gqa", json!(null)),
        // A text model that is told apart by its architecture alone.
        ("gemma3_text", json!("gemma3")),
        ("qwen3_seqcls", json!("qwen3")),
        ("llama_seqcls", json!("llama")),
    ] {
        let config = changed(fixture, json!({ "model_type": model_type }));
        assert!(built(&config).is_ok(), "{fixture} {model_type}");
    }
    for (fixture, part, model_type) in [
        ("mistral3_cond", "text_config", "llama"),
        ("mistral3_cond", "vision_config", "siglip_vision_model"),
        ("gemma3_cond", "text_config", "gemma2"),
        ("gemma3_cond", "vision_config", "clip_vision_model"),
    ] {
        let mut config = changed(fixture, json!({}));
        config[part]["model_type"] = json!(model_type);
        let error = built(&config).expect_err("another model inside");
        let place = format!("config field `{part}.model_type`: `{model_type}` is another model");
        assert!(error.starts_with(&place), "{error}");
    }
}

/// The same in the words of GPT-2.
fn in_old_words(config: &Value) -> Value {
    let old = |name: &String| match name.as_str() {
        "hidden_size" => "n_embd".to_owned(),
        "num_hidden_layers" => "n_layer".to_owned(),
        "num_attention_heads" => "n_head".to_owned(),
        _ => name.clone(),
    };
    let fields = config.as_object().expect("a config").iter();
    let fields = fields.map(|(name, value)| (old(name), value.clone()));
    Value::Object(fields.collect::<Map<_, _>>())
}

#[test]
fn sizes_are_not_guessed() {
    let missing = |config: &Value| built(config).expect_err("sizes are missing");
    assert_eq!(
        missing(&json!({ "architectures": ["LlamaForCausalLM"] })),
        "config has no `hidden_size`, `intermediate_size`, `num_hidden_layers`, `num_attention_heads`, `vocab_size`: \
         a model's sizes are not guessed, give them under these names"
    );
    let llama = changed("llama_gqa", json!({}));
    assert_eq!(
        missing(&in_old_words(&llama)),
        "config has no `hidden_size` (there is a `n_embd`), `num_hidden_layers` (there is a `n_layer`), \
         `num_attention_heads` (there is a `n_head`): a model's sizes are not guessed, give them under these names"
    );
    let near = changed("llama_gqa", json!({ "vocab_size": null, "vocabsize": 160 }));
    assert!(missing(&near).contains("no `vocab_size` (there is a `vocabsize`)"));
    assert!(missing(&json!({ "model_type": "gemma3" })).contains("`text_config`"));
}

#[test]
fn a_config_inside_another_may_leave_sizes_to_its_class() {
    let inside = |fields: Value| {
        let mut config = changed("gemma3_cond", json!({}));
        config["text_config"] = fields;
        built(&config)
    };
    let named = json!({ "model_type": "gemma3_text", "hidden_size": 16, "num_hidden_layers": 2 });
    assert_eq!(inside(named.clone()), Ok("Gemma3ForConditionalGeneration"));
    let unnamed = json!({ "hidden_size": 16, "num_hidden_layers": 2 });
    for fields in [json!({}), unnamed] {
        let error = inside(fields).expect_err("sizes are missing");
        assert!(
            error.starts_with("config field `text_config` has no `"),
            "{error}"
        );
    }
    let error = inside(in_old_words(&named)).expect_err("sizes have other names");
    assert!(
        error.starts_with("config field `text_config` has no `hidden_size` (there is a `n_embd`)"),
        "{error}"
    );
}

#[test]
fn spellings_of_numbers_are_those_of_json_and_transformers() {
    let whole = json!({ "hidden_size": 64.0, "max_position_embeddings": 32768.0 });
    assert!(built(&changed("llama_gqa", whole)).is_ok());
    let broken = built(&changed("llama_gqa", json!({ "hidden_size": 64.5 })));
    let broken = broken.expect_err("no whole number");
    assert!(broken.contains("64.5 is not a whole number"), "{broken}");
    let layer = |layer: Value| {
        built(&changed(
            "mistral3_cond",
            json!({ "vision_feature_layer": layer }),
        ))
    };
    assert!(layer(json!([-1])).is_ok());
    for several in [json!([-1, -2]), json!([]), json!("last")] {
        let error = layer(several).expect_err("not one layer");
        assert!(error.contains("`vision_feature_layer`"), "{error}");
    }
    for fixture in ["gemma3_cond", "mistral3_cond"] {
        let mut config = changed(fixture, json!({}));
        config["vision_config"]["patch_size"] = json!([2, 2]);
        let error = built(&config).expect_err("no square patches");
        assert!(error.contains("`vision_config.patch_size`"), "{error}");
    }
}

#[test]
fn one_class_is_no_choice() {
    let problem = json!({ "num_labels": 1, "problem_type": "single_label_classification" });
    for fixture in ["llama_seqcls", "qwen2_seqcls", "qwen3_seqcls"] {
        let error = built(&changed(fixture, problem.clone())).expect_err("one class");
        assert!(error.contains("`problem_type`"), "{error}");
    }
}

#[test]
fn a_tower_with_a_pooling_head_is_refused() {
    for head in [json!(true), json!("absent"), json!(null), json!(false)] {
        let mut config = changed("gemma3_cond", json!({}));
        let vision = config["vision_config"].as_object_mut().expect("a config");
        match head == "absent" {
            true => drop(vision.shift_remove("vision_use_head")),
            false => drop(vision.insert("vision_use_head".to_owned(), head.clone())),
        }
        let outcome = built(&config);
        let is_refused = head == true || head == "absent";
        assert_eq!(outcome.is_err(), is_refused, "{head}: {outcome:?}");
    }
}
