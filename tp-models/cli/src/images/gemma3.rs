//! Gemma 3's processor (transformers `Gemma3Processor`, `Gemma3ImageProcessor`): images of one size, a fixed number
//! of tokens each.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tch::Kind;
use tokenizers::Tokenizer;
use tp_runtime::model::Inputs;

use super::settings::{Settings, processor_config};
use super::{Processor, Size};

pub(super) struct Gemma3 {
    settings: Settings,
    /// Begins an image, and marks its place in a prompt.
    begin: String,
    /// The tokens of one image, and around them.
    sequence: String,
    /// The token that stands for one position of an image.
    image_token: i64,
}

impl Gemma3 {
    pub(super) fn new(dir: &Path, config: &Value, tokenizer: &Tokenizer) -> Result<Self> {
        let processor = processor_config(dir)?;
        let defaults = json!({
            "do_resize": true, "size": { "height": 224, "width": 224 }, "resample": 2,
            "do_rescale": true, "rescale_factor": 1.0 / 255.0,
            "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        });
        let token = |field: &str, default: i64| {
            let newer = field.replace("_index", "_id");
            let id = [field, &newer]
                .iter()
                .find_map(|field| config[field].as_i64());
            let id = id.unwrap_or(default);
            let text = u32::try_from(id)
                .ok()
                .and_then(|id| tokenizer.id_to_token(id));
            let text = text.with_context(|| {
                format!("`{field}` is {id}, a token that the tokenizer does not have")
            })?;
            Ok::<_, anyhow::Error>((id, text))
        };
        let (_, begin) = token("boi_token_index", 255_999)?;
        let (_, end) = token("eoi_token_index", 256_000)?;
        let (image_token, image) = token("image_token_index", 262_144)?;
        let count = processor["image_seq_length"].as_u64().unwrap_or(256);
        let images = image.repeat(count as usize);
        Ok(Self {
            settings: Settings::read(dir, &processor, defaults)?,
            sequence: format!("\n\n{begin}{images}{end}\n\n"),
            begin,
            image_token,
        })
    }
}

impl Processor for Gemma3 {
    fn mark(&self) -> &str {
        &self.begin
    }

    fn resized(&self, size: Size) -> Result<Size> {
        if !self.settings.do_resize {
            return Ok(size);
        }
        let both = self.settings.size.both();
        both.context("the image processor's `size` has no `height` and `width`")
    }

    fn expanded(&self, _: Size) -> String {
        self.sequence.clone()
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn complete(&self, inputs: Inputs, _: &[Size]) -> Inputs {
        let of_images = inputs.input_ids.eq(self.image_token);
        Inputs {
            token_type_ids: Some(of_images.to_kind(Kind::Int64)),
            ..inputs
        }
    }
}
