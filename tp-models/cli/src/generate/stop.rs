//! Texts that end a text.

use anyhow::Result;
use tokenizers::Tokenizer;

use crate::text::decode;

/// Looks for stop strings in a text as its tokens come.
pub(super) struct StopStrings<'a> {
    tokenizer: &'a Tokenizer,
    strings: &'a [String],
    /// As many tokens as a stop string may have, and one before them.
    tail: Vec<u32>,
    capacity: usize,
}

impl<'a> StopStrings<'a> {
    /// A search that goes on after `prompt`.
    pub(super) fn after(
        tokenizer: &'a Tokenizer,
        strings: &'a [String],
        prompt: &[i64],
    ) -> Result<Self> {
        // Every token is a byte at least.
        let longest = strings.iter().map(String::len).max().unwrap_or(0);
        let mut search = Self {
            tokenizer,
            strings,
            tail: Vec::new(),
            capacity: longest + 1,
        };
        for &token in prompt {
            search.keep(token)?;
        }
        Ok(search)
    }

    /// Whether one of them ends in `token`, at its end or before.
    pub(super) fn end_in(&mut self, token: i64) -> Result<bool> {
        if self.strings.is_empty() {
            return Ok(false);
        }
        let before = decode(self.tokenizer, &self.tail, false)?;
        self.tail.push(u32::try_from(token)?);
        let text = decode(self.tokenizer, &self.tail, false)?;
        self.tail.pop();
        self.keep(token)?;
        // A character that was half there is another by now.
        let same = |(a, b): &(u8, u8)| a == b;
        let old = before.bytes().zip(text.bytes()).take_while(same).count();
        let ends_in_new = |string: &String| {
            let mut found = text.match_indices(string.as_str());
            found.any(|(at, _)| at + string.len() > old)
        };
        Ok(self.strings.iter().any(ends_in_new))
    }

    fn keep(&mut self, token: i64) -> Result<()> {
        if self.tail.len() == self.capacity {
            self.tail.remove(0);
        }
        self.tail.push(u32::try_from(token)?);
        Ok(())
    }
}
