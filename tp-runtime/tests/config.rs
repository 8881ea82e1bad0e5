//! `config.json` in the spelling of transformers 4 and of 5.

use serde::Deserialize;
use serde_json::{Value, json};
use tp_runtime::config::{self, LongRope, QueryGrowth, RopeParameters, RopeScaling, Yarn};

fn rope(config: Value) -> RopeParameters {
    RopeParameters::of(&config, 10000.0).unwrap()
}

fn plain(rope_theta: f64) -> RopeParameters {
    RopeParameters {
        rope_theta,
        partial_rotary_factor: 1.0,
        scaling: RopeScaling::Default,
        query_growth: None,
    }
}

#[test]
fn no_scaling() {
    assert_eq!(rope(json!({})), plain(10000.0));
    assert_eq!(
        rope(json!({ "rope_theta": 5e5, "rope_scaling": null })),
        plain(5e5)
    );
    let current = json!({ "rope_parameters": { "rope_type": "default", "rope_theta": 50000 } });
    assert_eq!(rope(current), plain(50000.0));
}

#[test]
fn both_spellings_of_a_scaling_are_one() {
    let fields = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192
    });
    let mut current = fields.clone();
    current["rope_theta"] = json!(500000.0);
    let mut oldest = fields.clone();
    let name = oldest.as_object_mut().unwrap().remove("rope_type").unwrap();
    oldest["type"] = name;
    let expected = RopeParameters {
        rope_theta: 500000.0,
        partial_rotary_factor: 1.0,
        scaling: RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 8192,
        },
        query_growth: None,
    };
    assert_eq!(rope(json!({ "rope_parameters": current })), expected);
    assert_eq!(
        rope(json!({ "rope_theta": 500000.0, "rope_scaling": fields })),
        expected
    );
    assert_eq!(
        rope(json!({ "rope_theta": 500000.0, "rope_scaling": oldest })),
        expected
    );
}

#[test]
fn yarn_has_defaults() {
    let fields = json!({
        "type": "yarn", "rope_type": "yarn", "rope_theta": 1e6, "factor": 16,
        "original_max_position_embeddings": 16384, "max_position_embeddings": 262144,
        "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1
    });
    let rope = rope(json!({ "rope_parameters": fields }));
    let (beta, context) = (0.1, 16384);
    assert_eq!(rope.query_growth, Some(QueryGrowth { beta, context }));
    assert_eq!(
        rope.scaling,
        RopeScaling::Yarn(Yarn {
            factor: 16.0,
            original_max_position_embeddings: 16384,
            beta_fast: 32.0,
            beta_slow: 1.0,
            attention_factor: None,
            mscale: Some(1.0),
            mscale_all_dim: Some(1.0),
            truncate: true,
        })
    );
}

#[test]
fn fields_beside_the_scaling_belong_to_it() {
    let config = json!({
        "rope_theta": 10000.0, "partial_rotary_factor": 0.75,
        "original_max_position_embeddings": 4096,
        "rope_scaling": { "type": "longrope", "short_factor": [1, 1.5], "long_factor": [2, 4] }
    });
    assert_eq!(
        RopeParameters::of_parts(&config, 10000.0, 1.0).unwrap(),
        RopeParameters {
            rope_theta: 10000.0,
            partial_rotary_factor: 0.75,
            scaling: RopeScaling::LongRope(LongRope {
                short_factor: vec![1.0, 1.5],
                long_factor: vec![2.0, 4.0],
                original_max_position_embeddings: 4096,
                factor: None,
                attention_factor: None,
            }),
            query_growth: None,
        }
    );
}

#[test]
fn layer_types_have_their_own() {
    let global = RopeParameters {
        scaling: RopeScaling::Linear { factor: 8.0 },
        ..plain(1e6)
    };
    for config in [
        json!({ "rope_parameters": {
            "sliding_attention": { "rope_type": "default", "rope_theta": 10000.0 },
            "full_attention": { "rope_type": "linear", "rope_theta": 1e6, "factor": 8.0 }
        } }),
        json!({
            "rope_theta": 1e6, "rope_local_base_freq": 10000.0,
            "rope_scaling": { "rope_type": "linear", "factor": 8.0 }
        }),
        json!({ "rope_scaling": { "rope_type": "linear", "factor": 8.0 } }),
    ] {
        let of = |layer_type, theta| RopeParameters::of_layer_type(&config, layer_type, theta);
        assert_eq!(
            of("sliding_attention", 10000.0).unwrap(),
            plain(10000.0),
            "{config}"
        );
        assert_eq!(of("full_attention", 1e6).unwrap(), global, "{config}");
    }
}

#[test]
fn faults_name_the_field() {
    let message = |config: Value| RopeParameters::of(&config, 1e4).unwrap_err().to_string();
    let scaling = |scaling: Value| json!({ "rope_scaling": scaling });
    let unknown = message(scaling(json!({ "rope_type": "spiral" })));
    assert!(
        unknown.contains("`rope_scaling.rope_type`: `spiral` is not known, only `default`, "),
        "{unknown}"
    );
    let missing = message(scaling(json!({ "rope_type": "linear" })));
    assert_eq!(missing, "config field `rope_scaling.factor`: missing");
    let by_type = json!({ "rope_parameters": { "full_attention": { "rope_type": "default" } } });
    assert_eq!(
        message(by_type.clone()),
        "config field `rope_parameters` is by layer type, but this model has one for all layers"
    );
    let for_all = json!({ "rope_parameters": { "rope_type": "default" } });
    let for_all = RopeParameters::of_layer_type(&for_all, "sliding_attention", 1e4).unwrap_err();
    assert_eq!(
        for_all.to_string(),
        "config field `rope_parameters` is for all layers, but this model has one for each type: give \
         `sliding_attention` and `full_attention`"
    );
}

#[derive(Debug, Deserialize)]
struct Nested {
    #[expect(dead_code, reason = "only its type is of interest")]
    text_config: Fields,
}

#[derive(Debug, Deserialize)]
struct Fields {
    #[expect(dead_code, reason = "only its type is of interest")]
    hidden_size: i64,
}

#[test]
fn a_field_of_another_type_is_named_with_its_path() {
    let config = json!({ "text_config": { "hidden_size": "large" } });
    let message = config::parse::<Nested>(&config).unwrap_err().to_string();
    assert_eq!(
        message,
        "config field `text_config.hidden_size`: \"large\" is not a whole number from 1 to 1048576"
    );
    let message = config::parse::<Fields>(&json!({})).unwrap_err().to_string();
    assert_eq!(message, "config: missing field `hidden_size`");
}

/// A config of a crate that this one does not know.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only its limits are of interest")]
struct Foreign {
    expert_hidden_size: i64,
    num_experts: Option<usize>,
    gate_eps: Option<f64>,
    temperature: Option<f64>,
    vocab_size: Option<i64>,
    pad_token_id: Option<i64>,
}

#[test]
fn numbers_out_of_limits_are_named_with_what_they_may_be() {
    let message = |field: &str, value: Value| {
        let mut config = json!({ "expert_hidden_size": 64, "vocab_size": 100 });
        config[field] = value;
        let parsed = config::parse::<Foreign>(&config);
        parsed.map(drop).map_err(|error| error.to_string())
    };
    let refused = |field: &str, value: Value, reason: &str| {
        let expected = format!("config field `{field}`: {value} is not {reason}");
        assert_eq!(message(field, value), Err(expected));
    };
    let size = "a whole number from 1 to 1048576";
    for value in [
        json!(0),
        json!(-1),
        json!(1e12 as i64),
        json!(64.5),
        json!("64"),
    ] {
        refused("expert_hidden_size", value, size);
    }
    refused("num_experts", json!(-1), size);
    refused("gate_eps", json!(-1e-5), "a number from 0 to 1");
    refused("pad_token_id", json!(100), "a whole number from -100 to 99");
    refused(
        "pad_token_id",
        json!(-101),
        "a whole number from -100 to 99",
    );
    refused(
        "temperature",
        json!(i64::MIN),
        "a number from -9007199254740992 to 9007199254740992",
    );
    for (field, value) in [
        ("expert_hidden_size", json!(1 << 20)),
        ("expert_hidden_size", json!(64.0)),
        ("num_experts", Value::Null),
        ("gate_eps", json!(0)),
        ("pad_token_id", json!(-1)),
        ("temperature", json!(-0.5)),
        // What the model does not read may be anything.
        ("hidden_size", json!(-1)),
        ("quantization_config", json!({ "group_size": -1 })),
    ] {
        assert_eq!(message(field, value), Ok(()), "{field}");
    }
}

#[test]
fn rotary_numbers_that_make_no_sense() {
    let message =
        |config: Value| match RopeParameters::of_layer_type(&config, "sliding_attention", 1e4) {
            Ok(rope) => format!("{rope:?}"),
            Err(error) => error.to_string(),
        };
    let theta = "0 is not a number from 2 to 1000000000000000";
    assert_eq!(
        message(json!({ "rope_local_base_freq": 0 })),
        format!("config field `rope_local_base_freq`: {theta}")
    );
    let by_type = json!({ "rope_parameters": { "sliding_attention": { "rope_theta": 0 } } });
    assert_eq!(
        message(by_type),
        format!("config field `rope_parameters.sliding_attention.rope_theta`: {theta}")
    );
    let message = |scaling: Value| {
        let config = json!({ "rope_scaling": scaling });
        let error = RopeParameters::of(&config, 1e4).expect_err("a fault");
        error.to_string()
    };
    assert_eq!(
        message(json!(7)),
        "config field `rope_scaling`: 7 is no object of rotary parameters"
    );
    assert_eq!(
        message(json!({ "rope_type": "linear", "factor": 0 })),
        "config field `rope_scaling.factor`: 0 is not a number from 0.000000001 to 1000000000"
    );
    let llama3 = json!({
        "rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
        "original_max_position_embeddings": 8192
    });
    assert_eq!(
        message(llama3),
        "config field `rope_scaling.high_freq_factor`: 4 has to be greater than `low_freq_factor`, which is 4"
    );
}
