//! Between text and tokens, with the checkpoint's own tokenizer.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use tokenizers::Tokenizer;

/// The `tokenizer.json` beside a checkpoint.
pub(crate) fn tokenizer(path: &Path) -> Result<Tokenizer> {
    Tokenizer::from_file(path).map_err(|error| {
        anyhow!(
            "cannot read the tokenizer `{}`: {error}; give a folder with a `tokenizer.json`",
            path.display()
        )
    })
}

/// The ids of a text.
pub(crate) fn encode(
    tokenizer: &Tokenizer,
    text: &str,
    with_special_tokens: bool,
) -> Result<Vec<i64>> {
    let encoding = tokenizer
        .encode(text, with_special_tokens)
        .map_err(|error| anyhow!("the tokenizer cannot encode the text: {error}"))?;
    Ok(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
}

/// Turns tokens into text as they come; what is not yet a whole character waits.
pub(crate) struct Stream<'a> {
    tokenizer: &'a Tokenizer,
    ids: Vec<u32>,
    printed: usize,
}

impl<'a> Stream<'a> {
    /// A stream that goes on after `prompt`.
    pub(crate) fn after(tokenizer: &'a Tokenizer, prompt: &[i64]) -> Result<Self> {
        let mut stream = Self {
            tokenizer,
            ids: Vec::new(),
            printed: 0,
        };
        for &id in prompt {
            stream.ids.push(u32::try_from(id)?);
        }
        stream.printed = stream.text()?.len();
        Ok(stream)
    }

    /// The text that `token` completes.
    pub(crate) fn push(&mut self, token: i64) -> Result<String> {
        self.ids.push(u32::try_from(token)?);
        let text = self.text()?;
        if text.ends_with('\u{fffd}') || !text.is_char_boundary(self.printed.min(text.len())) {
            return Ok(String::new());
        }
        let new = text.get(self.printed..).unwrap_or_default().to_owned();
        self.printed = text.len().max(self.printed);
        Ok(new)
    }

    fn text(&self) -> Result<String> {
        self.tokenizer
            .decode(&self.ids, true)
            .map_err(|error| anyhow!("the tokenizer cannot decode: {error}"))
    }
}

/// The tokens that end a text, from `generation_config.json` or else `config.json`.
pub(crate) fn end_tokens(dir: &Path, config: &Value) -> Result<Vec<i64>> {
    let file = dir.join("generation_config.json");
    let generation: Value = match std::fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text)
            .with_context(|| format!("`{}` is not JSON", file.display()))?,
        Err(_) => Value::Null,
    };
    let end = match &generation["eos_token_id"] {
        Value::Null => &config["eos_token_id"],
        end => end,
    };
    Ok(match end {
        Value::Array(ends) => ends.iter().filter_map(Value::as_i64).collect(),
        end => end.as_i64().into_iter().collect(),
    })
}
