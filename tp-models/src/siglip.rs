//! The vision tower of SigLIP (Zhai et al. 2023; transformers `models/siglip/modeling_siglip.py`), held whole
//! by every rank unless a plan says otherwise.
//!
//! Shapes: N images, P patches of one, E hidden, A attention heads, D head dimension.

mod config;

use tp_runtime::Module;
use tp_runtime::config::ConfigError;
use tp_runtime::dropout::Dropout;
use tp_runtime::nn::{Activation, Conv2d, Embedding, LayerNorm, Linear, LinearShape};

pub use config::SiglipVisionConfig;

#[cfg(feature = "torch")]
use {
    crate::layers::project_heads,
    tch::{Kind, Tensor},
    tp_runtime::Result,
    tp_runtime::dropout::DropoutKey,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::InputError,
    tp_runtime::nn::{Attention, AttentionMask},
};

/// The tower: patches that all see one another.
#[derive(Module)]
#[flow(encoder -> post_layernorm)]
pub struct SiglipVisionModel {
    embeddings: SiglipVisionEmbeddings,
    encoder: SiglipEncoder,
    post_layernorm: LayerNorm,
}

/// Images cut into patches that know where they were.
#[derive(Module)]
pub struct SiglipVisionEmbeddings {
    patch_embedding: Conv2d,
    position_embedding: Embedding,
    #[module(skip)]
    image_size: i64,
}

/// The tower's layers.
#[derive(Module)]
#[flow(layers)]
pub struct SiglipEncoder {
    layers: Vec<SiglipEncoderLayer>,
}

/// One layer: attention and MLP, each after a norm, each added to the residual stream.
#[derive(Module)]
#[flow(layer_norm1 -> self_attn -> + -> layer_norm2 -> mlp -> +)]
pub struct SiglipEncoderLayer {
    layer_norm1: LayerNorm,
    self_attn: SiglipAttention,
    layer_norm2: LayerNorm,
    mlp: SiglipMlp,
}

/// Attention among the patches of an image.
#[derive(Module)]
#[flow(q_proj, k_proj, v_proj -> out_proj)]
pub struct SiglipAttention {
    k_proj: Linear,
    v_proj: Linear,
    q_proj: Linear,
    out_proj: Linear,
    #[module(skip)]
    head_dim: i64,
    #[module(skip)]
    dropout: Dropout,
}

/// Two projections with an activation between them.
#[derive(Module)]
#[flow(fc1 -> fc2)]
pub struct SiglipMlp {
    fc1: Linear,
    fc2: Linear,
    #[module(skip)]
    activation: Activation,
}

impl SiglipVisionModel {
    pub(crate) fn new(config: &SiglipVisionConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let hidden = config.hidden_size;
        let layers = 0..config.num_hidden_layers;
        Ok(Self {
            embeddings: SiglipVisionEmbeddings {
                patch_embedding: Conv2d::new(config.num_channels, hidden, config.patch_size, true),
                position_embedding: Embedding::new(config.side().pow(2), hidden, None),
                image_size: config.image_size,
            },
            encoder: SiglipEncoder {
                layers: layers.map(|_| SiglipEncoderLayer::new(config)).collect(),
            },
            post_layernorm: LayerNorm::new(hidden, config.layer_norm_eps),
        })
    }
}

impl SiglipEncoderLayer {
    fn new(config: &SiglipVisionConfig) -> Self {
        let (hidden, heads) = (config.hidden_size, config.num_attention_heads);
        let linear = |from, to| LinearShape::new(from, to).bias(true);
        let projection =
            || Linear::new(linear(hidden, hidden).output_heads(heads, "num_attention_heads"));
        let norm = || LayerNorm::new(hidden, config.layer_norm_eps);
        Self {
            layer_norm1: norm(),
            self_attn: SiglipAttention {
                k_proj: projection(),
                v_proj: projection(),
                q_proj: projection(),
                out_proj: Linear::new(
                    linear(hidden, hidden).input_heads(heads, "num_attention_heads"),
                ),
                head_dim: hidden / heads,
                dropout: config.attention_dropout,
            },
            layer_norm2: norm(),
            mlp: SiglipMlp {
                fc1: Linear::new(linear(hidden, config.intermediate_size)),
                fc2: Linear::new(linear(config.intermediate_size, hidden)),
                activation: config.hidden_act,
            },
        }
    }
}

#[cfg(feature = "torch")]
mod forward {
    use super::*;

    impl SiglipVisionModel {
        /// `[N, channels, height, width]` → `[N, P, E]`
        pub(crate) fn forward(
            &self,
            pixels: &DTensor,
            dropout_key: Option<&DropoutKey>,
        ) -> Result<DTensor> {
            let mut x = self.embeddings.forward(pixels)?;
            for layer in &self.encoder.layers {
                x = layer.forward(&x, dropout_key)?;
            }
            self.post_layernorm.forward(&x)
        }
    }

    impl SiglipVisionEmbeddings {
        /// `[N, channels, height, width]` → `[N, P, E]`
        fn forward(&self, pixels: &DTensor) -> Result<DTensor> {
            let size = self.image_size;
            if let &[.., height, width] = pixels.shape()
                && (height, width) != (size, size)
            {
                return Err(InputError::ImageSize {
                    name: "pixel_values",
                    height,
                    width,
                    wanted: format!("give {size} x {size}"),
                }
                .into());
            }
            let patches = self.patch_embedding.forward(pixels)?;
            let (images, hidden) = (patches.shape()[0], patches.shape()[1]);
            let count = patches.shape()[2] * patches.shape()[3];
            let patches = patches.map("cutting patches", &[images, count, hidden], |patches| {
                patches.f_flatten(2, -1)?.f_transpose(1, 2)
            })?;
            let places = Tensor::arange(count, (Kind::Int64, pixels.device())).unsqueeze(0);
            let places = self.position_embedding.forward(&places)?;
            patches.zip(&places, "adding positions", |patches, places| {
                patches.f_add(&places)
            })
        }
    }

    impl SiglipEncoderLayer {
        /// `[N, P, E]` → `[N, P, E]`
        fn forward(&self, x: &DTensor, dropout_key: Option<&DropoutKey>) -> Result<DTensor> {
            let h = self.layer_norm1.forward(x)?;
            let x = x.add(&self.self_attn.forward(&h, dropout_key)?)?;
            let h = self.layer_norm2.forward(&x)?;
            x.add(&self.mlp.forward(&h)?)
        }
    }

    impl SiglipAttention {
        /// `[N, P, E]` → `[N, P, E]`
        fn forward(&self, x: &DTensor, dropout_key: Option<&DropoutKey>) -> Result<DTensor> {
            // 1. project: [N, P, A, D] each
            let projections = [&self.q_proj, &self.k_proj, &self.v_proj];
            let [q, k, v] = project_heads(x, projections, self.head_dim)?;
            // 2. attend
            let attention = Attention {
                mask: &AttentionMask::Full,
                scale: (self.head_dim as f64).powf(-0.5),
                dropout: self.dropout,
                dropout_key,
                cache: None,
            };
            let mixed = attention.forward(&q, &k, &v)?;
            // 3. join heads
            self.out_proj.forward(&mixed.merge_heads()?)
        }
    }

    impl SiglipMlp {
        /// `[N, P, E]` → `[N, P, E]`
        fn forward(&self, x: &DTensor) -> Result<DTensor> {
            let inner = self.fc1.forward(x)?;
            let inner = inner.map("an activation", inner.shape(), |x| {
                self.activation.apply(&x)
            })?;
            self.fc2.forward(&inner)
        }
    }
}
