//! Mistral Small 3.1 and Ministral 3 with images (transformers `models/mistral3/modeling_mistral3.py`): Pixtral's
//! tower and a projector, whole on every rank, before a decoder that the plan splits.
//!
//! Shapes: B batch, S sequence, H hidden, V vocabulary; E hidden of the tower, N patches of all images, M patches a
//! side that are merged into one position, R positions of all images. Every shape is that of the whole tensor.

mod config;
mod projector;

use serde_json::Value;
use tp_runtime::config::{ConfigError, parse};
use tp_runtime::model::{FromConfig, Input, Model, Rename};
use tp_runtime::nn::Linear;
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::language_head;
use crate::ministral3::{self, MINISTRAL3_MODEL, Ministral3Model};
use crate::pixtral::{PixtralVisionConfig, PixtralVisionModel};
use config::Parts;

pub use config::{FeatureLayer, Mistral3Config};
pub use projector::{Mistral3MultiModalProjector, Mistral3PatchMerger};

#[cfg(feature = "torch")]
use {
    crate::layers::{fill_image_positions, logits},
    crate::pixtral::Grid,
    tch::Tensor,
    tp_runtime::dropout::DropoutKey,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::KvCache,
};

/// Text and images to text.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct Mistral3ForConditionalGeneration {
    model: Mistral3Model,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// Tower, projector and decoder.
#[derive(Module)]
#[flow(language_model)]
pub struct Mistral3Model {
    vision_tower: PixtralVisionModel,
    multi_modal_projector: Mistral3MultiModalProjector,
    language_model: Ministral3Model,
    #[module(skip)]
    image_token: i64,
    /// How many layers of the tower run.
    #[module(skip)]
    depth: usize,
}

impl FromConfig for Mistral3ForConditionalGeneration {
    fn from_config(config: &Value) -> Result<Self> {
        let Parts {
            text_config: text,
            vision_config: vision,
        } = parse(config)?;
        let config: Mistral3Config = parse(config)?;
        let of_text = |error: ConfigError| error.within("text_config");
        let (decoder, rope) = config::decoder(&text).map_err(of_text)?;
        let window = config::window(&text).map_err(of_text)?;
        let vision = PixtralVisionConfig::read(&vision);
        let vision = vision.map_err(|error| error.within("vision_config"))?;
        let model = Mistral3Model {
            vision_tower: PixtralVisionModel::new(&vision)?,
            multi_modal_projector: Mistral3MultiModalProjector::new(
                &config,
                &decoder,
                vision.hidden_size,
            ),
            language_model: ministral3::model(&decoder, &rope, window)?,
            image_token: config.image_token_index,
            depth: config::depth(&config, vision.num_hidden_layers)?,
        };
        let tied = config
            .tie_word_embeddings
            .unwrap_or(decoder.tie_word_embeddings);
        let lm_head = language_head(&model.language_model.embed_tokens, tied);
        Ok(Self { model, lm_head })
    }
}

impl Model for Mistral3ForConditionalGeneration {
    fn vocabulary_size(&self) -> i64 {
        self.model.language_model.vocabulary_size()
    }

    fn can_be_captured(&self) -> bool {
        true
    }

    fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        self.model
            .language_model
            .rotary_emb
            .changes_between(cached, length)
    }

    fn takes(&self) -> &'static [Input] {
        &[
            Input::ATTENTION_MASK,
            Input::POSITION_IDS,
            Input::PIXEL_VALUES,
            Input::IMAGE_SIZES,
        ]
    }

    fn renames(&self) -> &'static [Rename] {
        const {
            &[
                Rename::new("language_model.lm_head.", "lm_head."),
                Rename::new("language_model.model.", "model.language_model."),
                Rename::new("vision_tower.", "model.vision_tower."),
                Rename::new("multi_modal_projector.", "model.multi_modal_projector."),
            ]
        }
    }

    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let embeddings = self.model.embed(inputs)?;
        let decoder = &self.model.language_model;
        let hidden = decoder.decode(embeddings, inputs, cache)?;
        logits(&self.lm_head, &hidden, inputs)
    }
}

#[cfg(feature = "torch")]
mod forward {
    use super::*;

    impl Mistral3Model {
        /// Tokens and images as vectors: `[B, S]` → `[B, S, H]`
        pub(super) fn embed(&self, inputs: &Inputs) -> Result<DTensor> {
            // 1. tokens
            let x = self
                .language_model
                .embed_tokens
                .forward(&inputs.input_ids)?;
            let Some(pixels) = &inputs.pixel_values else {
                return Ok(x);
            };
            // 2. images
            let sizes = inputs.image_sizes.as_ref();
            let images = self.images(pixels, sizes, inputs.dropout_key.as_ref(), &x)?;
            // 3. images in their places
            fill_image_positions(&x, &inputs.input_ids, self.image_token, &images)
        }

        /// `[images, channels, height, width]` → `[R, H]`
        fn images(
            &self,
            pixels: &Tensor,
            sizes: Option<&Tensor>,
            dropout_key: Option<&DropoutKey>,
            like: &DTensor,
        ) -> Result<DTensor> {
            let patch = self.vision_tower.patch_size();
            let least = patch * self.multi_modal_projector.side();
            let grids = Grid::of_images(pixels, sizes, patch, least)?;
            let pixels = pixels.to_kind(like.kind());
            let pixels = DTensor::replicate(pixels, like.group(), &"pixel_values".into());
            let tower = &self.vision_tower;
            let patches = tower.forward(&pixels, &grids, self.depth, dropout_key)?;
            self.multi_modal_projector.forward(&patches, &grids)
        }
    }
}

register_model!(Mistral3ForConditionalGeneration, default for "mistral3");

tp_plan! {
    /// The decoder split, images whole on every rank (AutoModel's Mistral 3 plan, which is the same in both modes).
    pub MISTRAL3 for Mistral3ForConditionalGeneration;

    // module                                                  tensor parallel        | with sequence parallelism
    "model.language_model.embed_tokens"                     => VocabParallelEmbedding | VocabParallelEmbedding,
    "model.language_model.layers.*.self_attn.{q,k,v}_proj"  => Colwise                | Colwise,
    "model.language_model.layers.*.self_attn.o_proj"        => Rowwise                | Rowwise,
    "model.language_model.layers.*.mlp.{gate,up}_proj"      => Colwise                | Colwise,
    "model.language_model.layers.*.mlp.down_proj"           => Rowwise                | Rowwise,
    "model.{vision_tower,multi_modal_projector}"            => _,
    "lm_head"                                               => Colwise(local: false)  | Colwise(local: false),
}

tp_plan! {
    /// The same with sequence parallelism in the decoder: each rank fills images into its share of the text.
    pub MISTRAL3_SEQUENCE_PARALLEL for Mistral3ForConditionalGeneration as "sequence-parallel";

    "model.language_model"                       => include MINISTRAL3_MODEL,
    "model.{vision_tower,multi_modal_projector}" => _,
    "lm_head"                                    => Colwise(local: false) | Colwise(input: Shard(1), local: false),
}
