//! The backends that are linked into this program, by name.

use crate::Result;

use super::{Backend, Member};

/// A backend under its name; see [the module](super).
pub struct Registration {
    /// The name, such as `gloo`.
    pub name: &'static str,
    /// What it is, in a line for a program's help.
    pub about: &'static str,
    /// Whether it joins processes; else it joins threads of one process only.
    pub joins_processes: bool,
    /// Meets the other ranks of the world. Called on the thread of every rank, when there are at least two.
    pub connect: fn(Member) -> Result<Box<dyn Backend>>,
}

inventory::collect!(Registration);

/// A name that no backend has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no backend is called `{name}`: this program has {}{}",
    list(known),
    hint(name)
)]
pub struct UnknownBackend {
    /// The name asked for.
    pub name: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}

/// Every backend, by name in alphabetical order.
pub fn all() -> Vec<&'static Registration> {
    let mut all: Vec<_> = inventory::iter::<Registration>().collect();
    all.sort_unstable_by_key(|backend| backend.name);
    all
}

/// The backend of this name.
///
/// # Errors
/// When there is none.
pub fn named(name: &str) -> Result<&'static Registration, UnknownBackend> {
    let backend = inventory::iter::<Registration>().find(|backend| backend.name == name);
    backend.ok_or_else(|| UnknownBackend {
        name: name.to_owned(),
        known: all().iter().map(|backend| backend.name).collect(),
    })
}

fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn hint(name: &str) -> &'static str {
    match name {
        "nccl" => "; build with `--features nccl` for it",
        _ => "",
    }
}
