//! The vision tower of Pixtral (Agrawal et al. 2024; transformers `models/pixtral/modeling_pixtral.py`), held
//! whole by every rank.
//!
//! Shapes: P pixels a side of a patch, N patches of all images together, E hidden, D head dimension.

mod config;
#[cfg(feature = "torch")]
mod grid;
mod rotation;

use tp_runtime::Module;
use tp_runtime::config::ConfigError;
use tp_runtime::dropout::Dropout;
use tp_runtime::nn::{Conv2d, Linear, LinearShape, RmsNorm};

use crate::layers::GatedMlp;
use rotation::AxialFrequencies;

#[cfg(feature = "torch")]
use {
    crate::layers::project_heads,
    tch::{Kind, Tensor},
    tp_runtime::Result,
    tp_runtime::dropout::DropoutKey,
    tp_runtime::dtensor::DTensor,
    tp_runtime::nn::{Attention, AttentionMask, RotaryTables},
};

pub use config::PixtralVisionConfig;

#[cfg(feature = "torch")]
pub(crate) use grid::Grid;

/// Added to the mean square in every norm of the tower.
const NORM_EPSILON: f64 = 1e-5;

/// The tower: patches of every image, each seeing those of its own image.
#[derive(Module)]
pub struct PixtralVisionModel {
    patch_conv: Conv2d,
    ln_pre: RmsNorm,
    transformer: PixtralTransformer,
    #[module(skip)]
    frequencies: AxialFrequencies,
    #[module(skip)]
    patch_size: i64,
}

/// The tower's layers.
#[derive(Module)]
pub struct PixtralTransformer {
    layers: Vec<PixtralAttentionLayer>,
}

/// One layer: attention and MLP, each after a norm, each added to the residual stream.
#[derive(Module)]
pub struct PixtralAttentionLayer {
    attention_norm: RmsNorm,
    feed_forward: GatedMlp,
    attention: PixtralAttention,
    ffn_norm: RmsNorm,
}

/// Attention among the patches of an image.
#[derive(Module)]
pub struct PixtralAttention {
    k_proj: Linear,
    v_proj: Linear,
    q_proj: Linear,
    o_proj: Linear,
    #[module(skip)]
    head_dim: i64,
    #[module(skip)]
    dropout: Dropout,
}

impl PixtralVisionModel {
    pub(crate) fn new(config: &PixtralVisionConfig) -> Result<Self, ConfigError> {
        let heads = config.num_attention_heads;
        let head_dim = config.hidden_size / heads.max(1);
        if heads < 1 || head_dim < 4 || head_dim % 4 != 0 {
            let reason = format!(
                "`vision_config` has `hidden_size` {} for {heads} heads: a head needs a multiple of 4 \
                 features, half of them for rows and half for columns",
                config.hidden_size
            );
            return Err(ConfigError::Unsupported { reason });
        }
        if let Some(other) = config.head_dim.filter(|given| *given != head_dim) {
            let reason = format!(
                "`head_dim` of `vision_config` is {other}, and `hidden_size` over `num_attention_heads` {head_dim}"
            );
            return Err(ConfigError::Unsupported { reason });
        }
        let layer = |_| PixtralAttentionLayer::new(config, head_dim);
        Ok(Self {
            patch_conv: Conv2d::new(
                config.num_channels,
                config.hidden_size,
                config.patch_size,
                false,
            ),
            ln_pre: RmsNorm::new(config.hidden_size, NORM_EPSILON),
            transformer: PixtralTransformer {
                layers: (0..config.num_hidden_layers).map(layer).collect(),
            },
            frequencies: AxialFrequencies::new(config.rope_theta, head_dim),
            patch_size: config.patch_size,
        })
    }
}

impl PixtralAttentionLayer {
    fn new(config: &PixtralVisionConfig, head_dim: i64) -> Self {
        let hidden = config.hidden_size;
        let (shape, heads) = (LinearShape::new(hidden, hidden), config.num_attention_heads);
        let field = "num_attention_heads";
        let projection = || Linear::new(shape.clone().output_heads(heads, field));
        Self {
            attention_norm: RmsNorm::new(hidden, NORM_EPSILON),
            feed_forward: GatedMlp::new(hidden, config.intermediate_size, config.hidden_act, false),
            attention: PixtralAttention {
                k_proj: projection(),
                v_proj: projection(),
                q_proj: projection(),
                o_proj: Linear::new(shape.clone().input_heads(heads, field)),
                head_dim,
                dropout: config.attention_dropout,
            },
            ffn_norm: RmsNorm::new(hidden, NORM_EPSILON),
        }
    }
}

/// What a layer reads besides its input.
#[cfg(feature = "torch")]
struct TowerContext {
    rotary: RotaryTables,
    mask: AttentionMask,
    /// What dropout goes by, in training.
    dropout_key: Option<DropoutKey>,
}

#[cfg(feature = "torch")]
impl PixtralVisionModel {
    /// The patches after the first `depth` layers, those of one image after another's, row by row.
    ///
    /// What lies beyond the grid of an image is padding.
    ///
    /// # Shapes
    /// `[images, channels, height, width]` → `[1, N, E]`
    pub(crate) fn forward(
        &self,
        pixels: &DTensor,
        grids: &[Grid],
        depth: usize,
        dropout_key: Option<&DropoutKey>,
    ) -> Result<DTensor> {
        // 1. patches
        let patches = self.patch_conv.forward(pixels)?;
        let count = grids.iter().map(|grid| grid.patches()).sum();
        let shape = [1, count, patches.shape()[1]];
        let patches = patches.map("cutting padding off", &shape, |local| {
            let own = |(image, grid): (usize, &Grid)| {
                let image = local.f_get(image as i64)?;
                let rows = image.f_narrow(1, 0, grid.rows)?;
                let own = rows.f_narrow(2, 0, grid.columns)?;
                own.f_flatten(1, 2)?.f_transpose(0, 1)
            };
            let own = grids.iter().enumerate().map(own);
            Tensor::f_cat(&own.collect::<Result<Vec<Tensor>, _>>()?, 0)?.f_unsqueeze(0)
        })?;
        let mut x = self.ln_pre.forward(&patches)?;
        // 2. where they stand, and what they may see
        let rotary = self.frequencies.tables(grids, &x)?;
        let patches = || grids.iter().map(|grid| grid.patches()).collect();
        let context = TowerContext {
            mask: own_image(grids, &x)?,
            rotary,
            dropout_key: dropout_key.map(|key| key.of_images().packed(patches())),
        };
        // 3. layers
        for layer in self.transformer.layers.iter().take(depth) {
            x = layer.forward(&x, &context)?;
        }
        Ok(x)
    }

    /// P
    pub(crate) fn patch_size(&self) -> i64 {
        self.patch_size
    }
}

/// The mask under which patches see those of their own image.
#[cfg(feature = "torch")]
fn own_image(grids: &[Grid], like: &DTensor) -> Result<AttentionMask> {
    if grids.len() == 1 {
        return Ok(AttentionMask::Full);
    }
    let options = (Kind::Int64, like.device());
    let image =
        |(index, grid): (usize, &Grid)| Tensor::f_full([grid.patches()], index as i64, options);
    let images = grids.iter().enumerate().map(image);
    let images = Tensor::f_cat(&images.collect::<Result<Vec<Tensor>, _>>()?, 0)?;
    let seen = images
        .f_unsqueeze(1)?
        .f_eq_tensor(&images.f_unsqueeze(0)?)?;
    let seen = seen.f_unsqueeze(0)?.f_unsqueeze(0)?;
    Ok(AttentionMask::additive(&seen, like.kind())?)
}

#[cfg(feature = "torch")]
impl PixtralAttentionLayer {
    /// `[1, N, E]` → `[1, N, E]`
    fn forward(&self, x: &DTensor, context: &TowerContext) -> Result<DTensor> {
        // 1. attention
        let h = self.attention_norm.forward(x)?;
        let x = x.add(&self.attention.forward(&h, context)?)?;
        // 2. MLP
        let h = self.ffn_norm.forward(&x)?;
        x.add(&self.feed_forward.forward(&h)?)
    }
}

#[cfg(feature = "torch")]
impl PixtralAttention {
    /// `[1, N, E]` → `[1, N, E]`
    fn forward(&self, x: &DTensor, context: &TowerContext) -> Result<DTensor> {
        // 1. project
        let projections = [&self.q_proj, &self.k_proj, &self.v_proj];
        let [q, k, v] = project_heads(x, projections, self.head_dim)?;
        // 2. rotate
        let (q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        // 3. attend
        let attention = Attention {
            mask: &context.mask,
            scale: (self.head_dim as f64).powf(-0.5),
            dropout: self.dropout,
            dropout_key: context.dropout_key.as_ref(),
            cache: None,
        };
        // 4. join heads
        self.o_proj
            .forward(&attention.forward(&q, &k, &v)?.merge_heads()?)
    }
}
