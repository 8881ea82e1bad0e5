//! Phi-1, Phi-1.5 and Phi-2 (Li et al. 2023; transformers `models/phi/modeling_phi.py`): attention and MLP side by side.
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension,
//! V vocabulary. Every shape is that of the whole tensor.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError, RopeParameters};
use tp_runtime::dropout::Dropout;
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Activation, Embedding, LayerNorm, Linear, LinearShape, RotaryEmbedding};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{DecoderConfig, DecoderLayer, GroupedQuery};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerContext, logits, project_heads, run_layers},
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{KvCache, Positions},
};

/// The defaults of transformers' `PhiConfig`.
pub const DEFAULTS: DecoderConfig = DecoderConfig {
    vocab_size: 51200,
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 24,
    num_attention_heads: 32,
    num_key_value_heads: None,
    head_dim: None,
    norm_eps: 1e-5,
    hidden_act: Activation::GeluTanh,
    tie_word_embeddings: false,
    pad_token_id: None,
    attention_dropout: Dropout::NONE,
};

/// What a Phi `config.json` says besides.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PhiConfig {
    /// Norms on queries and keys.
    pub qk_layernorm: bool,
    /// Of the tokens' vectors.
    pub embd_pdrop: Dropout,
    /// Of what each branch of a layer adds.
    pub resid_pdrop: Dropout,
}

/// Phi with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct PhiForCausalLM {
    model: PhiModel,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// The decoder without its head.
#[derive(Module)]
#[flow(embed_tokens -> layers -> final_layernorm)]
pub struct PhiModel {
    #[module(weight = [vocab_size, hidden_size])]
    embed_tokens: Embedding,
    layers: Rc<[PhiDecoderLayer]>,
    final_layernorm: LayerNorm,
    rotary_emb: RotaryEmbedding,
    #[module(skip)]
    embed_dropout: Dropout,
}

/// One decoder layer: attention and MLP side by side after one norm, both added to the residual stream.
#[derive(Module)]
#[flow(input_layernorm -> self_attn, mlp -> +)]
pub struct PhiDecoderLayer {
    self_attn: PhiAttention,
    mlp: PhiMlp,
    input_layernorm: LayerNorm,
    #[module(skip)]
    resid_dropout: Dropout,
}

/// Attention whose heads are rotated in part.
#[derive(Module)]
#[flow((q_proj -> q_layernorm), (k_proj -> k_layernorm), v_proj -> dense)]
pub struct PhiAttention {
    #[module(weight = [num_attention_heads, hidden_size])]
    q_proj: Linear,
    #[module(weight = [num_key_value_heads, hidden_size])]
    k_proj: Linear,
    #[module(weight = [num_key_value_heads, hidden_size])]
    v_proj: Linear,
    #[module(weight = [hidden_size, num_attention_heads])]
    dense: Linear,
    q_layernorm: Option<LayerNorm>,
    k_layernorm: Option<LayerNorm>,
    #[module(skip)]
    heads: GroupedQuery,
    #[module(skip)]
    attention_dropout: Dropout,
}

/// Two projections with an activation between them.
#[derive(Module)]
#[flow(fc1 -> fc2)]
pub struct PhiMlp {
    #[module(weight = [intermediate_size, hidden_size])]
    fc1: Linear,
    #[module(weight = [hidden_size, intermediate_size])]
    fc2: Linear,
    #[module(skip)]
    activation: Activation,
}

impl FromConfig for PhiForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let rope = RopeParameters::of_parts(config, 10_000.0, 0.5)?;
        let names = [("rms_norm_eps", "layer_norm_eps")];
        let decoder = DecoderConfig::read_named(config, &DEFAULTS, &names)?;
        let config: PhiConfig = config::parse(config)?;
        let heads = decoder.heads()?;
        let (hidden, inner) = (decoder.hidden_size, decoder.intermediate_size);
        if config.qk_layernorm && hidden / decoder.num_attention_heads != heads.head_dim {
            let reason = format!(
                "`head_dim` is {}, and `qk_layernorm` normalizes `hidden_size` over `num_attention_heads` features",
                heads.head_dim
            );
            return Err(ConfigError::Unsupported { reason }.into());
        }
        let linear = |from, to| Linear::new(LinearShape::new(from, to).bias(true));
        let norm = |features| LayerNorm::new(features, decoder.norm_eps);
        let layer = |_| PhiDecoderLayer {
            self_attn: PhiAttention {
                q_proj: heads.query(true),
                k_proj: heads.key_value(true),
                v_proj: heads.key_value(true),
                dense: heads.output(true),
                q_layernorm: config.qk_layernorm.then(|| norm(heads.head_dim)),
                k_layernorm: config.qk_layernorm.then(|| norm(heads.head_dim)),
                heads,
                attention_dropout: decoder.attention_dropout,
            },
            mlp: PhiMlp {
                fc1: linear(hidden, inner),
                fc2: linear(inner, hidden),
                activation: decoder.hidden_act,
            },
            input_layernorm: norm(hidden),
            resid_dropout: config.resid_pdrop,
        };
        let model = PhiModel {
            embed_tokens: decoder.embedding(),
            layers: (0..decoder.num_hidden_layers).map(layer).collect(),
            final_layernorm: norm(hidden),
            rotary_emb: RotaryEmbedding::new(heads.head_dim, &rope)?,
            embed_dropout: config.embd_pdrop,
        };
        let lm_head = match decoder.tie_word_embeddings {
            true => Linear::tied_with_bias(&model.embed_tokens),
            false => linear(hidden, decoder.vocab_size),
        };
        Ok(Self { model, lm_head })
    }
}

impl Model for PhiForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.embed_tokens.weight().shape()[0]
    }

    fn can_be_captured(&self) -> bool {
        true
    }

    fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        self.model.rotary_emb.changes_between(cached, length)
    }

    /// `[B, S]` → `[B, S, V]`
    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        // 1. tokens, and where they stand
        let model = &self.model;
        let x = model.embed_tokens.forward(&inputs.input_ids)?;
        let x = model.embed_dropout.apply(&x, inputs.dropout_key.as_ref())?;
        let positions = Positions::new(inputs, cache.as_deref(), x.kind());
        let rotary = Rc::new(model.rotary_emb.forward(&positions)?);
        let rotary = |_: &PhiDecoderLayer| rotary.clone();
        // 2. layers, norm: [B, S, H]
        let x = run_layers(&model.layers, x, inputs, positions, rotary, cache)?;
        let hidden = model.final_layernorm.forward(&x)?;
        // 3. head
        logits(&self.lm_head, &hidden, inputs)
    }
}

impl DecoderLayer for PhiDecoderLayer {
    const DECODER: &'static str = "PhiModel";

    #[cfg(feature = "torch")]
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let key = context.dropout_key;
        // 1. one norm for both branches
        let h = self.input_layernorm.forward(x)?;
        // 2. attention and MLP
        let mixed = self.self_attn.forward(&h, context)?;
        let mixed = self.resid_dropout.apply(&mixed, key)?;
        let h = self.resid_dropout.apply(&self.mlp.forward(&h)?, key)?;
        mixed.add(&h)?.add(x)
    }
}

#[cfg(feature = "torch")]
impl PhiAttention {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let projections = [&self.q_proj, &self.k_proj, &self.v_proj];
        let [q, k, v] = project_heads(x, projections, self.heads.head_dim)?;
        let normalize = |norm: &Option<LayerNorm>, heads: DTensor| match norm {
            Some(norm) => norm.forward(&heads),
            None => Ok(heads),
        };
        let q = normalize(&self.q_layernorm, q)?;
        let k = normalize(&self.k_layernorm, k)?;
        let (q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        let scale = self.heads.scale();
        let mixed = context.attend(&q, &k, &v, scale, self.attention_dropout)?;
        self.dense.forward(&mixed)
    }
}

#[cfg(feature = "torch")]
impl PhiMlp {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor) -> Result<DTensor> {
        let inner = self.fc1.forward(x)?;
        let inner = inner.map("an activation", inner.shape(), |x| {
            self.activation.apply(&x)
        })?;
        self.fc2.forward(&inner)
    }
}

register_model!(PhiForCausalLM, default for "phi");

tp_plan! {
    /// Attention by heads, MLP by columns, vocabulary split over ranks (AutoModel's Phi plan).
    pub PHI for PhiForCausalLM;

    // module                                   tensor parallel        | with sequence parallelism
    "model.embed_tokens"                     => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.input_layernorm"         => _                      | SequenceParallel,
    "model.layers.*.self_attn.{q,k,v}_proj"  => Colwise,
    "model.layers.*.self_attn.dense"         => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.fc1"                 => Colwise,
    "model.layers.*.mlp.fc2"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.final_layernorm"                  => _                      | SequenceParallel,
    "lm_head"                                => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}
