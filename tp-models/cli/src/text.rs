//! Between text and tokens, with the checkpoint's own tokenizer.

use std::path::Path;

use anyhow::{Result, anyhow};
use tch::Tensor;
use tokenizers::{ModelWrapper, Tokenizer};
use tp_runtime::config;

/// The `tokenizer.json` beside a checkpoint, which gives the tokens of a whole text and no others.
///
/// How long texts were cut and short ones filled up when the file was saved is forgotten, as in transformers. So is
/// the dropout of merges: ranks must read a text alike.
///
/// # Errors
/// When the file is not there, or is no tokenizer.
pub fn tokenizer(path: &Path) -> Result<Tokenizer> {
    config::require_pulled(path)?;
    let read = || {
        let mut tokenizer = Tokenizer::from_file(path)?;
        tokenizer.with_truncation(None)?;
        tokenizer.with_padding(None);
        if let ModelWrapper::BPE(model) = tokenizer.get_model()
            && model.dropout.is_some()
        {
            let mut model = model.clone();
            model.dropout = None;
            tokenizer.with_model(model);
        }
        Ok::<_, tokenizers::Error>(tokenizer)
    };
    read().map_err(|error| {
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

/// The token that ends a text: of tokenizer_config.json in the model's folder, else of its config.json.
///
/// # Errors
/// When neither says which.
pub(crate) fn end_of_text(model: &Path, tokenizer: &Tokenizer) -> Result<u32> {
    let read = |name: &str| {
        let path = model.join(name);
        let value = path.exists().then(|| config::read(&path)).transpose();
        value.map(Option::unwrap_or_default)
    };
    let named = read("tokenizer_config.json")?;
    let named = named["eos_token"]
        .as_str()
        .or(named["eos_token"]["content"].as_str());
    if let Some(id) = named.and_then(|token| tokenizer.token_to_id(token)) {
        return Ok(id);
    }
    let config = read("config.json")?;
    let places = [
        "/eos_token_id",
        "/eos_token_id/0",
        "/text_config/eos_token_id",
        "/text_config/eos_token_id/0",
    ];
    let ids = places
        .iter()
        .filter_map(|place| config.pointer(place)?.as_u64());
    let known = |id: u64| {
        u32::try_from(id)
            .ok()
            .filter(|&id| tokenizer.id_to_token(id).is_some())
    };
    ids.into_iter().find_map(known).ok_or_else(|| {
        let model = model.display();
        anyhow!("`{model}` does not say which token ends a text: give `eos_token` in tokenizer_config.json, or `eos_token_id` in config.json")
    })
}

/// A batch of one text: `[1, tokens]`
pub(crate) fn ids(tokens: &[i64]) -> Tensor {
    Tensor::from_slice(tokens).unsqueeze(0)
}

/// Turns tokens into text as they come; what is not yet a whole character waits.
pub(crate) struct Stream<'a> {
    tokenizer: &'a Tokenizer,
    ids: Vec<u32>,
    /// Where the last shown piece starts: the next one is decoded after it, for the space between.
    context: usize,
    /// How many tokens are shown.
    shown: usize,
}

impl<'a> Stream<'a> {
    /// A stream that goes on after `prompt`.
    pub(crate) fn after(tokenizer: &'a Tokenizer, prompt: &[i64]) -> Result<Self> {
        let ids: Result<Vec<u32>, _> = prompt.iter().map(|&id| u32::try_from(id)).collect();
        Ok(Self {
            tokenizer,
            ids: ids?,
            context: 0,
            shown: prompt.len(),
        })
    }

    /// The text that `token` completes.
    pub(crate) fn push(&mut self, token: i64) -> Result<String> {
        self.ids.push(u32::try_from(token)?);
        let new = self.waiting()?;
        if new.is_empty() || new.ends_with(char::REPLACEMENT_CHARACTER) {
            return Ok(String::new());
        }
        (self.context, self.shown) = (self.shown, self.ids.len());
        Ok(new)
    }

    /// What still waits when no more tokens come.
    pub(crate) fn finish(self) -> Result<String> {
        self.waiting()
    }

    fn waiting(&self) -> Result<String> {
        let shown = decode(self.tokenizer, &self.ids[self.context..self.shown], true)?;
        let mut text = decode(self.tokenizer, &self.ids[self.context..], true)?;
        Ok(match text.is_char_boundary(shown.len()) {
            true => text.split_off(shown.len()),
            // What was shown ends otherwise by now: the new text is not whole yet.
            false => String::new(),
        })
    }
}

/// The text of tokens.
pub(crate) fn decode(tokenizer: &Tokenizer, ids: &[u32], skip_special: bool) -> Result<String> {
    tokenizer
        .decode(ids, skip_special)
        .map_err(|error| anyhow!("the tokenizer cannot decode: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text in pieces, as a stream after its first `prompt` tokens gives them.
    fn streamed(tokenizer: &Tokenizer, ids: &[i64], prompt: usize) -> Result<Vec<String>> {
        let mut stream = Stream::after(tokenizer, &ids[..prompt])?;
        let mut pieces = Vec::new();
        for &id in &ids[prompt..] {
            pieces.push(stream.push(id)?);
        }
        pieces.push(stream.finish()?);
        Ok(pieces)
    }

    #[test]
    fn pieces_join_to_the_whole_text() -> Result<()> {
        for path in [
            "../../tests/fixtures/stories260k/tokenizer.json",
            "../../examples/demo/tokenizer.json",
        ] {
            let tokenizer = tokenizer(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path))?;
            let text = "Once upon a time, Zoë  said: “日本 🦀!” and\nleft.";
            let ids = encode(&tokenizer, text, true)?;
            let whole =
                tokenizer.decode(&ids.iter().map(|&id| id as u32).collect::<Vec<_>>(), true);
            let whole = whole.map_err(|error| anyhow!(error))?;
            for prompt in 1..ids.len() {
                let pieces = streamed(&tokenizer, &ids, prompt)?;
                let joined = pieces.concat();
                assert!(whole.ends_with(&joined), "{path}: {joined:?} of {whole:?}");
                let last = pieces.len() - 1;
                assert!(
                    pieces[..last]
                        .iter()
                        .all(|piece| !piece.contains('\u{fffd}'))
                );
            }
            let joined = streamed(&tokenizer, &ids, 1)?.concat();
            assert!(
                joined.len() + 8 > whole.len(),
                "{path}: {joined:?} of {whole:?}"
            );
        }
        Ok(())
    }

    #[test]
    fn an_unfinished_character_is_shown_at_the_end() -> Result<()> {
        let path = "../../tests/fixtures/stories260k/tokenizer.json";
        let tokenizer = tokenizer(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path))?;
        let mut ids = encode(&tokenizer, "a 🦀", true)?;
        ids.pop();
        let pieces = streamed(&tokenizer, &ids, 1)?;
        assert!(
            pieces.last().is_some_and(|last| last.contains('\u{fffd}')),
            "{pieces:?}"
        );
        Ok(())
    }
}
