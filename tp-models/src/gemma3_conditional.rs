//! Gemma 3 for text and images (Gemma Team 2025; transformers `models/gemma3/modeling_gemma3.py`).
//!
//! Shapes: B batch, S sequence, H hidden, V vocabulary; N images, P patches of one, E features of a patch,
//! T positions that an image takes in the text.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError};
use tp_runtime::model::{FromConfig, Input, Model, Rename};
use tp_runtime::nn::{Linear, Parameter, RmsNorm};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::gemma3::{self, GEMMA3_TEXT_MODEL, Gemma3TextModel};
use crate::layers::{language_head, of_type};
use crate::siglip::{SiglipVisionConfig, SiglipVisionModel};

#[cfg(feature = "torch")]
use {
    crate::layers::{fill_image_positions, logits},
    tp_runtime::dropout::DropoutKey,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::KvCache,
};

/// The fields of a Gemma 3 `config.json` beside those of its text model, with the defaults of transformers'
/// `Gemma3Config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Gemma3Config {
    /// T
    pub mm_tokens_per_image: i64,
    /// The token that stands for one position of an image.
    #[serde(alias = "image_token_id")]
    pub image_token_index: i64,
    /// Whether the head shares the embedding's table; not where null.
    pub tie_word_embeddings: Option<bool>,
}

impl Default for Gemma3Config {
    fn default() -> Self {
        Self {
            mm_tokens_per_image: 256,
            image_token_index: 262_144,
            tie_word_embeddings: Some(true),
        }
    }
}

/// The configs inside.
#[derive(Deserialize)]
struct Gemma3Parts {
    text_config: Value,
    vision_config: Value,
}

/// Gemma 3 with eyes and a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct Gemma3ForConditionalGeneration {
    model: Gemma3Model,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// The decoder, and what turns images into its embeddings.
#[derive(Module)]
#[flow(language_model)]
pub struct Gemma3Model {
    vision_tower: SiglipVisionModel,
    multi_modal_projector: Gemma3MultiModalProjector,
    language_model: Gemma3TextModel,
    #[module(skip)]
    image_token: i64,
}

/// From patches to fewer positions of the text.
#[derive(Module)]
pub struct Gemma3MultiModalProjector {
    /// `[E, H]`
    mm_input_projection_weight: Parameter,
    mm_soft_emb_norm: RmsNorm,
    /// Patches a side of an image.
    #[module(skip)]
    side: i64,
    /// Patches a side of those that become one position.
    #[module(skip)]
    kernel: i64,
}

impl FromConfig for Gemma3ForConditionalGeneration {
    fn from_config(config: &Value) -> Result<Self> {
        let Gemma3Parts {
            text_config: text,
            vision_config: vision,
        } = config::parse(config)?;
        let config: Gemma3Config = config::parse(config)?;
        let of_text = |error: ConfigError| error.within("text_config");
        of_type(&text, "gemma3_text").map_err(of_text)?;
        let decoder = gemma3::config::inner_decoder(&text).map_err(of_text)?;
        let language_model = gemma3::model(&text, &decoder).map_err(of_text)?;
        let vision = SiglipVisionConfig::read(&vision);
        let vision = vision.map_err(|error| error.within("vision_config"))?;
        let tied = config.tie_word_embeddings == Some(true);
        Ok(Self {
            lm_head: language_head(&language_model.embed_tokens, tied),
            model: Gemma3Model {
                vision_tower: SiglipVisionModel::new(&vision)?,
                multi_modal_projector: Gemma3MultiModalProjector::new(
                    &config,
                    &vision,
                    decoder.hidden_size,
                )?,
                language_model,
                image_token: config.image_token_index,
            },
        })
    }
}

impl Gemma3MultiModalProjector {
    fn new(
        config: &Gemma3Config,
        vision: &SiglipVisionConfig,
        hidden: i64,
    ) -> Result<Self, ConfigError> {
        let (side, tokens) = (
            vision.side(),
            (config.mm_tokens_per_image as f64).sqrt() as i64,
        );
        if tokens < 1 || tokens * tokens != config.mm_tokens_per_image || side % tokens != 0 {
            let reason = format!(
                "`mm_tokens_per_image` is {}, and an image of {side} x {side} patches cannot be pooled to a square of so many",
                config.mm_tokens_per_image
            );
            return Err(ConfigError::Unsupported { reason });
        }
        Ok(Self {
            mm_input_projection_weight: Parameter::zeros(&[vision.hidden_size, hidden]),
            mm_soft_emb_norm: RmsNorm::one_plus(vision.hidden_size, vision.layer_norm_eps),
            side,
            kernel: side / tokens,
        })
    }
}

impl Model for Gemma3ForConditionalGeneration {
    fn vocabulary_size(&self) -> i64 {
        self.model.language_model.vocabulary_size()
    }

    fn can_be_captured(&self) -> bool {
        true
    }

    fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        let decoder = &self.model.language_model;
        decoder.outgrows_cache(cached, length)
    }

    fn takes(&self) -> &'static [Input] {
        &[
            Input::ATTENTION_MASK,
            Input::POSITION_IDS,
            Input::TOKEN_TYPE_IDS,
            Input::PIXEL_VALUES,
        ]
    }

    fn renames(&self) -> &'static [Rename] {
        const RENAMES: &[Rename] = &[
            Rename::new("language_model.lm_head.", "lm_head."),
            Rename::new("language_model.model.", "model.language_model."),
            Rename::new("vision_tower.vision_model.", "model.vision_tower."),
            Rename::new("model.vision_tower.vision_model.", "model.vision_tower."),
            Rename::new("multi_modal_projector.", "model.multi_modal_projector."),
        ];
        RENAMES
    }

    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let embeddings = self.model.embed(inputs)?;
        let decoder = &self.model.language_model;
        let hidden = decoder.forward(embeddings, inputs, cache)?;
        logits(&self.lm_head, &hidden, inputs)
    }
}

#[cfg(feature = "torch")]
mod forward {
    use super::*;

    impl Gemma3Model {
        /// Tokens and images as vectors: `[B, S]` → `[B, S, H]`
        pub(super) fn embed(&self, inputs: &Inputs) -> Result<DTensor> {
            // 1. tokens
            let x = self.language_model.embed(inputs)?;
            let Some(pixels) = &inputs.pixel_values else {
                return Ok(x);
            };
            // 2. images: [N, T, H]
            let pixels =
                DTensor::replicate(pixels.to_kind(x.kind()), x.group(), &"pixel_values".into());
            let key = inputs.dropout_key.as_ref().map(DropoutKey::of_images);
            let patches = self.vision_tower.forward(&pixels, key.as_ref())?;
            let features = self.multi_modal_projector.forward(&patches)?;
            // 3. images in their places
            let positions = [
                features.shape()[0] * features.shape()[1],
                features.shape()[2],
            ];
            let features = features.map("joining images", &positions, |x| x.f_flatten(0, 1))?;
            fill_image_positions(&x, &inputs.input_ids, self.image_token, &features)
        }
    }

    impl Gemma3MultiModalProjector {
        /// `[N, P, E]` → `[N, T, H]`
        fn forward(&self, patches: &DTensor) -> Result<DTensor> {
            let (images, features) = (patches.shape()[0], patches.shape()[2]);
            let side = self.side / self.kernel;
            let shape = [images, side * side, features];
            // 1. mean of each square of patches: [N, T, E]
            let pooled = patches.map("pooling patches", &shape, |patches| {
                let grid = [images, features, self.side, self.side];
                let kernel = [self.kernel, self.kernel];
                let squares = patches.f_transpose(1, 2)?.f_reshape(grid)?;
                let pooled = squares.f_avg_pool2d(kernel, kernel, [0, 0], false, true, None)?;
                pooled.f_flatten(2, -1)?.f_transpose(1, 2)
            })?;
            // 2. norm, project
            let normed = self.mm_soft_emb_norm.forward(&pooled)?;
            let weight = self.mm_input_projection_weight.read(&normed)?;
            let shape = [images, side * side, weight.size()[1]];
            normed.map("projecting images", &shape, |x| x.f_matmul(&weight))
        }
    }
}

register_model!(Gemma3ForConditionalGeneration, default for "gemma3");

tp_plan! {
    /// The text model's plan; vision tower and projector are whole on every rank (AutoModel's Gemma 3 plan).
    pub GEMMA3_CONDITIONAL for Gemma3ForConditionalGeneration;

    "model.language_model" => include GEMMA3_TEXT_MODEL,
    "model.vision_tower"   => _,
    "lm_head"              => Colwise(local: false) | Colwise(input: Shard(1), local: false),
}
