//! What `processor_config.json` and `preprocessor_config.json` say of images.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};
use tch::{Kind, Tensor};
use tp_runtime::config;

use super::Size;

/// How an image becomes the values a model reads (transformers `TorchvisionBackend`).
#[derive(Debug, Deserialize)]
pub(super) struct Settings {
    pub(super) do_resize: bool,
    pub(super) size: Bounds,
    resample: i64,
    do_rescale: bool,
    rescale_factor: f64,
    do_normalize: bool,
    image_mean: [f32; 3],
    image_std: [f32; 3],
    do_center_crop: Option<bool>,
    do_pan_and_scan: Option<bool>,
}

/// A size to be resized to, or to stay within.
#[derive(Debug, Deserialize)]
pub(super) struct Bounds {
    height: Option<i64>,
    width: Option<i64>,
    longest_edge: Option<i64>,
}

impl Bounds {
    /// Height and width, where both are given.
    pub(super) fn both(&self) -> Option<Size> {
        self.height.zip(self.width)
    }

    /// The greatest height and width.
    pub(super) fn greatest(&self) -> Option<Size> {
        let square = self.longest_edge.map(|edge| (edge, edge));
        square.or(self.both())
    }
}

impl Settings {
    /// The settings beside a checkpoint; `defaults` are those of the Python class.
    ///
    /// # Errors
    /// When there are none, or they ask for something that is not done here.
    pub(super) fn read(dir: &Path, processor: &Value, defaults: Value) -> Result<Self> {
        let own = match &processor["image_processor"] {
            Value::Null => config::read(&dir.join("preprocessor_config.json"))
                .context("the model's folder says nothing of how images are prepared")?,
            nested => nested.clone(),
        };
        let mut fields: Map<String, Value> = defaults.as_object().cloned().unwrap_or_default();
        let own = own.as_object().cloned().unwrap_or_default();
        fields.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
        let settings: Self = config::parse(&Value::Object(fields))
            .with_context(|| format!("the image processor of `{}`", dir.display()))?;
        for (name, asked) in [
            ("do_center_crop", settings.do_center_crop),
            ("do_pan_and_scan", settings.do_pan_and_scan),
        ] {
            ensure!(
                asked != Some(true),
                "the image processor of `{}` asks for `{name}`, which is not done here",
                dir.display()
            );
        }
        Ok(settings)
    }

    /// Resizes, rescales and normalizes, with the kernels that transformers uses.
    ///
    /// # Shapes
    /// bytes `[3, height, width]` → `[3, *size]`
    pub(super) fn apply(&self, picture: &Tensor, size: Size) -> Result<Tensor> {
        let resized = match (picture.size()[1], picture.size()[2]) == size {
            true => picture.shallow_clone(),
            false => self.resize(picture, size)?,
        };
        let values = resized.to_kind(Kind::Float);
        let scale = match self.do_rescale {
            true => self.rescale_factor,
            false => 1.0,
        };
        if !self.do_normalize {
            return Ok(values * scale);
        }
        // Rescaled themselves, so that each value is rounded once.
        let channels = |each: [f32; 3]| Tensor::from_slice(&each).view([3, 1, 1]) * (1.0 / scale);
        Ok((values - channels(self.image_mean)) / channels(self.image_std))
    }

    fn resize(&self, picture: &Tensor, (height, width): Size) -> Result<Tensor> {
        let batch = picture.unsqueeze(0);
        let (size, none) = ([height, width], None::<f64>);
        // The numbers are those of Pillow's `Resampling`.
        let resized = match self.resample {
            2 => batch.f_internal_upsample_bilinear2d_aa(size, false, none, none),
            3 => batch.f_internal_upsample_bicubic2d_aa(size, false, none, none),
            other => bail!(
                "the image processor asks for `resample` {other}: known are 2 (bilinear) and 3 (bicubic)"
            ),
        };
        Ok(resized?.squeeze_dim(0))
    }
}

/// `processor_config.json`, empty where there is none.
///
/// # Errors
/// When it is there and cannot be read.
pub(super) fn processor_config(dir: &Path) -> Result<Value> {
    let file = dir.join("processor_config.json");
    match file.exists() {
        true => Ok(config::read(&file)?),
        false => Ok(Value::Object(Map::new())),
    }
}
