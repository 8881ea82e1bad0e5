//! A Llama of candle-nn's layers that gives the logits of all positions, with or without gradients.
//!
//! # Shapes
//! `b` texts of `t` tokens, `h` heads of `d` values, hidden size `c`

use anyhow::{Result, ensure};
use candle_core::{D, DType, Device, Tensor};
use candle_nn::{Embedding, Linear, Module, RmsNorm, VarBuilder, ops, rotary_emb};
use candle_transformers::models::llama::Config;
use candle_transformers::utils::{build_additive_causal_mask, repeat_kv};

/// Which form of an operation runs where candle has two.
#[derive(Clone, Copy)]
pub enum Operations {
    /// The fused one, through which no gradient goes back.
    Fused,
    /// That of several operations, which are recorded.
    Recorded,
}

/// The model.
pub struct Llama {
    embed_tokens: Embedding,
    layers: Vec<Layer>,
    norm: RmsNorm,
    lm_head: Linear,
    config: Config,
    operations: Operations,
}

impl Llama {
    /// The model of these weights.
    pub fn load(weights: VarBuilder, config: &Config, operations: Operations) -> Result<Self> {
        ensure!(
            config.rope_scaling.is_none(),
            "no `rope_scaling`: plain rotary frequencies only"
        );
        let model = weights.pp("model");
        let (hidden, vocabulary) = (config.hidden_size, config.vocab_size);
        let embed_tokens = candle_nn::embedding(vocabulary, hidden, model.pp("embed_tokens"))?;
        let lm_head = match config.tie_word_embeddings {
            true => Linear::new(embed_tokens.embeddings().clone(), None),
            false => candle_nn::linear_no_bias(hidden, vocabulary, weights.pp("lm_head"))?,
        };
        let layers = (0..config.num_hidden_layers)
            .map(|index| Layer::load(model.pp("layers").pp(index), config))
            .collect::<Result<_>>()?;
        Ok(Self {
            embed_tokens,
            layers,
            norm: candle_nn::rms_norm(hidden, config.rms_norm_eps, model.pp("norm"))?,
            lm_head,
            config: config.clone(),
            operations,
        })
    }

    /// `[b, t]` → `[b, t, vocabulary]`
    pub fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let positions = Positions::new(ids.dim(1)?, &self.config)?;
        let mut hidden = self.embed_tokens.forward(ids)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden, &positions, self.operations)?;
        }
        let hidden = self.operations.rms_norm(&self.norm, &hidden)?;
        Ok(self.lm_head.forward(&hidden)?)
    }
}

/// What positions add: the rotation of queries and keys, and which keys a query sees.
struct Positions {
    /// `[t, d / 2]`
    cos: Tensor,
    /// `[t, d / 2]`
    sin: Tensor,
    /// `[1, 1, t, t]`, 0 or minus infinity
    mask: Tensor,
}

impl Positions {
    fn new(length: usize, config: &Config) -> Result<Self> {
        let (device, width) = (
            &Device::Cpu,
            config.hidden_size / config.num_attention_heads,
        );
        let frequency = |pair: usize| config.rope_theta.powf(-2.0 * pair as f32 / width as f32);
        let frequencies = Tensor::from_iter((0..width / 2).map(frequency), device)?;
        let positions = Tensor::arange(0f32, length as f32, device)?.unsqueeze(1)?;
        let angles = positions.broadcast_mul(&frequencies)?;
        Ok(Self {
            cos: angles.cos()?,
            sin: angles.sin()?,
            mask: build_additive_causal_mask(length, 0, None, device, DType::F32)?,
        })
    }
}

struct Layer {
    input_layernorm: RmsNorm,
    attention: Attention,
    post_attention_layernorm: RmsNorm,
    mlp: Mlp,
}

impl Layer {
    fn load(weights: VarBuilder, config: &Config) -> Result<Self> {
        let norm =
            |name| candle_nn::rms_norm(config.hidden_size, config.rms_norm_eps, weights.pp(name));
        Ok(Self {
            input_layernorm: norm("input_layernorm")?,
            attention: Attention::load(weights.pp("self_attn"), config)?,
            post_attention_layernorm: norm("post_attention_layernorm")?,
            mlp: Mlp::load(weights.pp("mlp"), config)?,
        })
    }

    fn forward(&self, x: &Tensor, positions: &Positions, operations: Operations) -> Result<Tensor> {
        let normed = operations.rms_norm(&self.input_layernorm, x)?;
        let x = (x + self.attention.forward(&normed, positions, operations)?)?;
        let normed = operations.rms_norm(&self.post_attention_layernorm, &x)?;
        Ok((&x + self.mlp.forward(&normed)?)?)
    }
}

struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    /// Heads of queries for each of keys.
    group: usize,
    /// The width of a head.
    width: usize,
}

impl Attention {
    fn load(weights: VarBuilder, config: &Config) -> Result<Self> {
        let hidden = config.hidden_size;
        let width = hidden / config.num_attention_heads;
        let kv = config.num_key_value_heads * width;
        Ok(Self {
            q_proj: candle_nn::linear_no_bias(hidden, hidden, weights.pp("q_proj"))?,
            k_proj: candle_nn::linear_no_bias(hidden, kv, weights.pp("k_proj"))?,
            v_proj: candle_nn::linear_no_bias(hidden, kv, weights.pp("v_proj"))?,
            o_proj: candle_nn::linear_no_bias(hidden, hidden, weights.pp("o_proj"))?,
            group: config.num_attention_heads / config.num_key_value_heads,
            width,
        })
    }

    fn forward(&self, x: &Tensor, positions: &Positions, operations: Operations) -> Result<Tensor> {
        let (q, k) = (self.heads(&self.q_proj, x)?, self.heads(&self.k_proj, x)?);
        let q = operations.rope(&q, positions)?;
        let k = repeat_kv(operations.rope(&k, positions)?, self.group)?;
        let v = repeat_kv(self.heads(&self.v_proj, x)?, self.group)?;
        let scores = (q.matmul(&k.t()?)? / (self.width as f64).sqrt())?;
        let scores = operations.softmax(&scores.broadcast_add(&positions.mask)?)?;
        let mixed = scores.matmul(&v)?.transpose(1, 2)?.flatten_from(2)?;
        Ok(self.o_proj.forward(&mixed)?)
    }

    /// `[b, t, c]` → `[b, h, t, d]`
    fn heads(&self, projection: &Linear, x: &Tensor) -> Result<Tensor> {
        let projected = projection.forward(x)?;
        let (batch, length, features) = projected.dims3()?;
        let heads = projected.reshape((batch, length, features / self.width, self.width))?;
        Ok(heads.transpose(1, 2)?.contiguous()?)
    }
}

struct Mlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl Mlp {
    fn load(weights: VarBuilder, config: &Config) -> Result<Self> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        Ok(Self {
            gate_proj: candle_nn::linear_no_bias(hidden, inner, weights.pp("gate_proj"))?,
            up_proj: candle_nn::linear_no_bias(hidden, inner, weights.pp("up_proj"))?,
            down_proj: candle_nn::linear_no_bias(inner, hidden, weights.pp("down_proj"))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let gated = (self.gate_proj.forward(x)?.silu()? * self.up_proj.forward(x)?)?;
        Ok(self.down_proj.forward(&gated)?)
    }
}

impl Operations {
    fn rms_norm(self, norm: &RmsNorm, x: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Fused => norm.forward(x)?,
            Self::Recorded => norm.forward_diff(x)?,
        })
    }

    fn rope(self, x: &Tensor, positions: &Positions) -> Result<Tensor> {
        let (cos, sin) = (&positions.cos, &positions.sin);
        Ok(match self {
            Self::Fused => rotary_emb::rope(x, cos, sin)?,
            Self::Recorded => rotary_emb::rope_slow(x, cos, sin)?,
        })
    }

    fn softmax(self, scores: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Fused => ops::softmax_last_dim(scores)?,
            Self::Recorded => ops::softmax(scores, D::Minus1)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use candle_nn::VarMap;
    use candle_transformers::models::llama::{Cache, Llama as CachedLlama, LlamaConfig};
    use serde_json::json;

    use super::*;

    #[test]
    fn gives_the_logits_of_candle_transformers_and_every_gradient() -> Result<()> {
        let config: LlamaConfig = serde_json::from_value(json!({
            "hidden_size": 32, "intermediate_size": 48, "vocab_size": 50, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
            "max_position_embeddings": 16, "tie_word_embeddings": false
        }))?;
        let config = config.into_config(false);
        let weights = VarMap::new();
        let variables = VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu);
        let ids = Tensor::new(&[[3u32, 1, 4, 1, 5], [9, 2, 6, 5, 3]], &Device::Cpu)?;
        let mut cache = Cache::new(false, DType::F32, &config, &Device::Cpu)?;
        let expected =
            CachedLlama::load(variables.clone(), &config)?.forward(&ids, 0, &mut cache)?;
        for operations in [Operations::Fused, Operations::Recorded] {
            let logits = Llama::load(variables.clone(), &config, operations)?.forward(&ids)?;
            let last = logits.narrow(1, 4, 1)?.squeeze(1)?;
            let furthest = (last - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(furthest < 1e-5, "{furthest}");
        }
        let model = Llama::load(variables, &config, Operations::Recorded)?;
        let gradients = model.forward(&ids)?.sqr()?.sum_all()?.backward()?;
        for var in weights.all_vars() {
            let gradient = gradients.get(&var).expect("a gradient of every weight");
            assert!(gradient.sqr()?.sum_all()?.to_scalar::<f32>()? > 0.0);
        }
        Ok(())
    }
}
