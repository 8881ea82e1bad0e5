//! Entries of PyTorch that redistribute around a module, where a table has no row for one.
//!
//! `PrepareModuleInput` gathers what the layers inside read. Layers here do that themselves, and what they give is
//! redistributed by whoever reads it, so a table says the same without such an entry.

use serde_json::Value;

const CLASSES: [&str; 4] = [
    "PrepareFloat8ModuleInput",
    "PrepareModuleInput",
    "PrepareModuleInputOutput",
    "PrepareModuleOutput",
];

/// The class of such an entry.
pub(super) fn class(entry: &Value) -> Option<&'static str> {
    let text = entry.as_str().or(entry["style"].as_str())?;
    let name = text.split('(').next().unwrap_or_default().trim();
    let name = name.rsplit('.').next().unwrap_or_default();
    CLASSES.into_iter().find(|class| *class == name)
}
