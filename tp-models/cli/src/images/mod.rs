//! A prompt with images, prepared as transformers' processors prepare it.
//!
//! A processor resizes each image, and puts into the text, where its mark stands, the tokens whose places the
//! image's features take.

mod gemma3;
mod picture;
mod pixtral;
mod settings;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use tch::Tensor;
use tokenizers::Tokenizer;
use tp_runtime::model::{Inputs, model_of};

use super::text;
use gemma3::Gemma3;
use pixtral::Pixtral;
use settings::Settings;

/// Height and width in pixels.
type Size = (i64, i64);

/// What the processors of two architectures differ in.
trait Processor {
    /// What stands for an image in a prompt.
    fn mark(&self) -> &str;

    /// The size an image of this size is brought to.
    fn resized(&self, size: Size) -> Result<Size>;

    /// What takes the mark's place, for a resized image.
    fn expanded(&self, size: Size) -> String;

    /// What becomes of its pixels.
    fn settings(&self) -> &Settings;

    /// Adds what else the model takes.
    fn complete(&self, inputs: Inputs, sizes: &[Size]) -> Inputs;
}

/// The inputs of the model in `dir` for a text with images.
///
/// # Errors
/// When the model takes none, a file is missing or unreadable, or the marks in `text` do not fit `files`.
pub(super) fn prompt(
    dir: &Path,
    config: &Value,
    tokenizer: &Tokenizer,
    text: &str,
    files: &[PathBuf],
) -> Result<Inputs> {
    let processor: Box<dyn Processor> = match model_of(config)?.architecture() {
        "Gemma3ForConditionalGeneration" => Box::new(Gemma3::new(dir, config, tokenizer)?),
        "Mistral3ForConditionalGeneration" => Box::new(Pixtral::new(dir)?),
        other => bail!(
            "`{other}` takes no images: leave out --image, or give a `Gemma3ForConditionalGeneration` or a \
             `Mistral3ForConditionalGeneration`"
        ),
    };
    let (mut sizes, mut pixels) = (Vec::new(), Vec::new());
    for file in files {
        let picture = picture::read(file)?;
        let size = processor.resized((picture.size()[1], picture.size()[2]))?;
        pixels.push(processor.settings().apply(&picture, size)?);
        sizes.push(size);
    }
    let text = expand(text, &*processor, &sizes)?;
    let ids = text::ids(&text::encode(tokenizer, &text, true)?);
    let inputs = Inputs {
        pixel_values: Some(batch(&pixels, &sizes)),
        ..Inputs::new(ids)
    };
    Ok(processor.complete(inputs, &sizes))
}

/// The text with each mark replaced; images come first in a text without marks.
fn expand(text: &str, processor: &dyn Processor, sizes: &[Size]) -> Result<String> {
    let mark = processor.mark();
    let marks = text.matches(mark).count();
    if marks == 0 {
        let images: String = sizes.iter().map(|&size| processor.expanded(size)).collect();
        return Ok(images + text);
    }
    ensure!(
        marks == sizes.len(),
        "the prompt has {marks} of `{mark}`, and there are {} images: write one for each, or none to put the \
         images first",
        sizes.len()
    );
    let mut parts = text.split(mark);
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for (part, &size) in parts.zip(sizes) {
        expanded.push_str(&processor.expanded(size));
        expanded.push_str(part);
    }
    Ok(expanded)
}

/// Images in one tensor, smaller ones padded with zeros on the right and below.
///
/// # Shapes
/// `[3, height, width]` each → `[images, 3, greatest height, greatest width]`
fn batch(pixels: &[Tensor], sizes: &[Size]) -> Tensor {
    let height = sizes.iter().map(|size| size.0).max().unwrap_or(0);
    let width = sizes.iter().map(|size| size.1).max().unwrap_or(0);
    let padded = pixels
        .iter()
        .zip(sizes)
        .map(|(pixels, size)| pixels.constant_pad_nd([0, width - size.1, 0, height - size.0]));
    Tensor::stack(&padded.collect::<Vec<_>>(), 0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tp_runtime::config;

    use super::*;

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
    }

    fn read(name: &str, file: &str) -> Result<Value> {
        Ok(config::read(&fixtures().join(name).join(file))?)
    }

    /// What the processor in `dir` makes of the picture, for the model of a fixture.
    fn prepare(name: &str, dir: &Path, text: &str) -> Result<Inputs> {
        let tokenizer = fixtures().join("images").join(name).join("tokenizer.json");
        let picture = [fixtures().join("images/picture.png")];
        let (tokenizer, config) = (text::tokenizer(&tokenizer)?, read(name, "config.json")?);
        prompt(dir, &config, &tokenizer, text, &picture)
    }

    /// Holds a prompt to what transformers' processor makes of it.
    fn check(name: &str) -> Result<()> {
        let facts = read("images", "reference.json")?;
        let text = facts[name]["text"].as_str().unwrap_or_default();
        let dir = fixtures().join("images").join(name);
        let inputs = prepare(name, &dir, text)?;
        assert_reference(name, &inputs)?;
        // A prompt without a mark has its image first.
        let unmarked = text.split_once(['>', ']']).map_or(text, |(_, rest)| rest);
        assert_reference(name, &prepare(name, &dir, unmarked)?)?;
        // As before transformers 5: two files.
        let older = tempfile::tempdir()?;
        let mut processor = config::read(&dir.join("processor_config.json"))?;
        let images = processor["image_processor"].take();
        for (file, settings) in [("processor", processor), ("preprocessor", images)] {
            std::fs::write(
                older.path().join(format!("{file}_config.json")),
                settings.to_string(),
            )?;
        }
        assert_reference(name, &prepare(name, older.path(), text)?)
    }

    fn assert_reference(name: &str, inputs: &Inputs) -> Result<()> {
        let reference = Tensor::read_safetensors(fixtures().join("images/reference.safetensors"))?;
        let reference: HashMap<String, Tensor> = reference.into_iter().collect();
        for (field, found) in [
            ("input_ids", Some(&inputs.input_ids)),
            ("token_type_ids", inputs.token_type_ids.as_ref()),
            ("pixel_values", inputs.pixel_values.as_ref()),
            ("image_sizes", inputs.image_sizes.as_ref()),
        ] {
            let wanted = reference.get(&format!("{name}/{field}"));
            assert_eq!(found.is_some(), wanted.is_some(), "{name}/{field}");
            if let (Some(found), Some(wanted)) = (found, wanted) {
                assert_eq!(found, wanted, "{name}/{field}");
            }
        }
        Ok(())
    }

    #[test]
    fn gemma3_is_prepared_as_by_transformers() -> Result<()> {
        check("gemma3_cond")
    }

    #[test]
    fn pixtral_is_prepared_as_by_transformers() -> Result<()> {
        check("mistral3_cond")
    }

    #[test]
    fn images_of_several_sizes_are_padded_to_the_greatest() {
        let sizes = [(2, 3), (4, 1)];
        let ones = |(height, width)| Tensor::ones([3, height, width], tch::kind::FLOAT_CPU);
        let batch = batch(&sizes.map(ones), &sizes);
        assert_eq!(batch.size(), [2, 3, 4, 3]);
        let sums = batch.sum_dim_intlist([1, 2, 3].as_slice(), false, tch::Kind::Float);
        assert_eq!(Vec::<f32>::try_from(sums).ok(), Some(vec![18.0, 12.0]));
    }
}
