//! `{% generation %}` blocks: what the assistant says in a text.
//!
//! The engine has no tags of others, so a block becomes a `{% call %}` of a function, as it is in transformers.

use minijinja::value::Kwargs;
use minijinja::{Error, State, Value};

/// The function that is given what stands in a block.
pub(super) const FUNCTION: &str = "__generation__";
/// The variable with the two characters around a block, if they are asked for.
pub(super) const MARKERS: &str = "__markers__";

/// Whether a template has blocks.
pub(super) fn has_blocks(source: &str) -> bool {
    tags(source).any(|(_, name)| name == "generation")
}

/// A template with calls for its blocks.
pub(super) fn as_calls(source: &str) -> String {
    let mut rewritten = String::with_capacity(source.len());
    let mut copied = 0;
    for (start, name) in tags(source) {
        rewritten.push_str(&source[copied..start]);
        match name {
            "generation" => rewritten.push_str(&format!("call {FUNCTION}({MARKERS})")),
            _ => rewritten.push_str("endcall"),
        }
        copied = start + name.len();
    }
    rewritten.push_str(&source[copied..]);
    rewritten
}

/// Where a tag of a block stands, and its name.
fn tags(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.match_indices("{%").filter_map(|(open, _)| {
        let tag = source[open + 2..].split_once("%}")?.0;
        let signs: &[char] = &['-', '+'];
        let name = tag.strip_prefix(signs).unwrap_or(tag);
        let name = name.strip_suffix(signs).unwrap_or(name).trim();
        let start = name.as_ptr() as usize - source.as_ptr() as usize;
        matches!(name, "generation" | "endgeneration").then_some((start, name))
    })
}

/// What stands in a block, between markers if they are asked for.
pub(super) fn mark(
    state: &mut State<'_, '_>,
    markers: Option<String>,
    arguments: Kwargs,
) -> Result<Value, Error> {
    let block: Value = arguments.get("caller")?;
    let said = block.call(state, &[])?;
    let mut markers = markers.iter().flat_map(|markers| markers.chars());
    Ok(match (markers.next(), markers.next()) {
        (Some(open), Some(close)) => Value::from(format!("{open}{said}{close}")),
        _ => said,
    })
}
