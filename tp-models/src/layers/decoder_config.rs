//! What the `config.json` of every decoder says.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tp_runtime::config::{self, ConfigError};
use tp_runtime::dropout::Dropout;
use tp_runtime::nn::{Activation, Embedding, RmsNorm};
use tp_runtime::plan::Size;

use super::{GatedMlp, GroupedQuery, fields, refused, sizes};

/// The fields that decoders share, under their names in `config.json`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct DecoderConfig {
    /// How many tokens there are.
    pub vocab_size: i64,
    /// Features of the residual stream.
    pub hidden_size: i64,
    /// Features inside the MLP.
    pub intermediate_size: i64,
    /// How many layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: i64,
    /// Key-value heads; as many as query heads where null.
    pub num_key_value_heads: Option<i64>,
    /// Features of a head; where null, those of the residual stream by the heads.
    pub head_dim: Option<i64>,
    /// Added to the mean square, or the variance, in every norm.
    #[serde(rename = "rms_norm_eps")]
    pub norm_eps: f64,
    /// The function inside the MLP.
    pub hidden_act: Activation,
    /// Whether the head shares the embedding's table.
    pub tie_word_embeddings: bool,
    /// The row of the embedding that gets no gradient from look-ups.
    pub pad_token_id: Option<i64>,
    /// Of the probabilities of every attention.
    pub attention_dropout: Dropout,
}

/// Fields in whose place null says that they follow from others.
const FOLLOWING: [&str; 2] = ["num_key_value_heads", "head_dim"];

impl DecoderConfig {
    /// What `config` says, and `defaults` where it says nothing; it has to say the sizes.
    ///
    /// # Errors
    /// When a size is missing, a field is of another type, or the config asks for what no decoder here does.
    pub fn read(config: &Value, defaults: &Self) -> Result<Self, ConfigError> {
        Self::read_named(config, defaults, &[])
    }

    /// The same where an architecture has other names: each pair is the usual name and its own.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_named(
        config: &Value,
        defaults: &Self,
        names: &[(&str, &str)],
    ) -> Result<Self, ConfigError> {
        sizes::require(&sizes::DECODER, fields(config)?)?;
        Self::read_fields(config, defaults, names)
    }

    /// The same of a config inside another, which may leave out sizes, too, if it names its `model_type`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_inner(
        config: &Value,
        defaults: &Self,
        names: &[(&str, &str)],
    ) -> Result<Self, ConfigError> {
        sizes::require_inner(&sizes::DECODER, fields(config)?)?;
        Self::read_fields(config, defaults, names)
    }

    fn read_fields(
        config: &Value,
        defaults: &Self,
        names: &[(&str, &str)],
    ) -> Result<Self, ConfigError> {
        let given = fields(config)?;
        refused::attention_both_ways(given)?;
        let own_name = |usual: &str| {
            let renamed = names.iter().find(|(name, _)| *name == usual);
            renamed.map_or(usual, |(_, own)| own).to_owned()
        };
        let mut whole = json!(defaults);
        for (usual, value) in whole.as_object_mut().into_iter().flatten() {
            let name = own_name(usual);
            match given.get(&name) {
                Some(Value::Null) if !value.is_null() && FOLLOWING.contains(&usual.as_str()) => {
                    return Err(ConfigError::Field {
                        path: name,
                        reason: format!(
                            "null, where a model of this type has a number, by default {value}"
                        ),
                    });
                }
                Some(given) => *value = given.clone(),
                None => {}
            }
        }
        config::parse(&whole).map_err(|error| match error {
            ConfigError::Field { path, reason } => ConfigError::Field {
                path: own_name(&path),
                reason,
            },
            other => other,
        })
    }

    /// The heads of every attention.
    ///
    /// # Errors
    /// As [`GroupedQuery::new`].
    pub fn heads(&self) -> Result<GroupedQuery, ConfigError> {
        GroupedQuery::new(
            self.hidden_size,
            self.num_attention_heads,
            self.num_key_value_heads,
            self.head_dim,
        )
    }

    /// The table of the tokens.
    pub fn embedding(&self) -> Embedding {
        Embedding::new(self.vocab_size, self.hidden_size, self.pad_token_id)
    }

    /// A gated MLP.
    pub fn gated_mlp(&self, bias: bool) -> GatedMlp {
        GatedMlp::new(
            self.hidden_size,
            self.intermediate_size,
            self.hidden_act,
            bias,
        )
    }

    /// A norm of the residual stream.
    pub fn rms_norm(&self) -> RmsNorm {
        RmsNorm::new(self.hidden_size, self.norm_eps)
    }

    /// The sizes that ranks divide, for `assert_shards!`.
    pub const fn sizes(&self) -> [Size; 5] {
        let key_value_heads = match self.num_key_value_heads {
            Some(count) => count,
            None => self.num_attention_heads,
        };
        [
            Size::features("vocab_size", self.vocab_size),
            Size::features("hidden_size", self.hidden_size),
            Size::features("intermediate_size", self.intermediate_size),
            Size::heads("num_attention_heads", self.num_attention_heads),
            Size::key_value_heads("num_key_value_heads", key_value_heads),
        ]
    }
}
