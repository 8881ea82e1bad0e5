//! Pixtral's processor (transformers `PixtralProcessor`, `PixtralImageProcessor`): images keep their proportions, and
//! have a token for each group of patches that the model merges.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use tch::Tensor;
use tp_runtime::config;
use tp_runtime::model::Inputs;

use super::settings::{Settings, processor_config};
use super::{Processor, Size};

pub(super) struct Pixtral {
    settings: Settings,
    tokens: Tokens,
}

/// The fields of `processor_config.json` beside those of images, with the defaults of `PixtralProcessor`.
#[derive(Deserialize)]
#[serde(default)]
struct Tokens {
    patch_size: i64,
    spatial_merge_size: i64,
    image_token: String,
    image_break_token: String,
    image_end_token: String,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            patch_size: 16,
            spatial_merge_size: 1,
            image_token: "[IMG]".to_owned(),
            image_break_token: "[IMG_BREAK]".to_owned(),
            image_end_token: "[IMG_END]".to_owned(),
        }
    }
}

impl Tokens {
    /// Pixels a side of what becomes one token.
    fn side(&self) -> i64 {
        self.patch_size * self.spatial_merge_size
    }
}

impl Pixtral {
    pub(super) fn new(dir: &Path) -> Result<Self> {
        let processor = processor_config(dir)?;
        let defaults = json!({
            "do_resize": true, "size": { "longest_edge": 1024 }, "resample": 3,
            "do_rescale": true, "rescale_factor": 1.0 / 255.0, "do_normalize": true,
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
        });
        Ok(Self {
            settings: Settings::read(dir, &processor, defaults)?,
            tokens: config::parse(&processor)?,
        })
    }
}

impl Processor for Pixtral {
    fn mark(&self) -> &str {
        &self.tokens.image_token
    }

    fn resized(&self, (height, width): Size) -> Result<Size> {
        if !self.settings.do_resize {
            return Ok((height, width));
        }
        let greatest = self.settings.size.greatest();
        let greatest = greatest.context("the image processor's `size` has no `longest_edge`")?;
        let (high, wide) = (height as f64, width as f64);
        let ratio = (high / greatest.0 as f64).max(wide / greatest.1 as f64);
        let shrunk = |pixels: f64| match ratio > 1.0 {
            true => (pixels / ratio).floor() as i64,
            false => pixels as i64,
        };
        let side = self.tokens.side();
        let whole = |pixels: i64| ((pixels - 1).div_euclid(side) + 1) * side;
        Ok((whole(shrunk(high)), whole(shrunk(wide))))
    }

    fn expanded(&self, (height, width): Size) -> String {
        let side = self.tokens.side();
        let row = self.tokens.image_token.repeat((width / side) as usize);
        let rows = vec![row; (height / side) as usize];
        rows.join(&self.tokens.image_break_token) + &self.tokens.image_end_token
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn complete(&self, inputs: Inputs, sizes: &[Size]) -> Inputs {
        let sizes: Vec<i64> = sizes.iter().flat_map(|size| [size.0, size.1]).collect();
        Inputs {
            image_sizes: Some(Tensor::from_slice(&sizes).view([-1, 2])),
            ..inputs
        }
    }
}
