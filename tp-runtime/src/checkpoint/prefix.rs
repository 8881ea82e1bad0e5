//! Names that differ from the model's by a prefix: that of a wrapper, or of a model inside another.

use std::collections::{BTreeSet, HashSet};

use crate::module::Rename;

/// What to take from the front of stored names, and what to put there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) removed: String,
    pub(super) added: String,
}

impl Prefix {
    /// The prefix under which most of the `known` names are stored; none where names fit as they are.
    ///
    /// It has to concern most of the tensors: the odd misnamed one is an error.
    pub(super) fn find(stored: &[&str], known: &HashSet<&str>, renames: &[Rename]) -> Self {
        let none = Self::default();
        let as_they_are = none.names(stored, known, renames);
        let fitting = |names: &[String]| {
            let names: HashSet<&str> = names.iter().map(String::as_str).collect();
            names.intersection(known).count()
        };
        let mut best = (fitting(&as_they_are), none);
        if best.0 == known.len() {
            return best.1;
        }
        let added = fronts(known);
        for removed in fronts(stored) {
            for added in &added {
                let (removed, added) = (removed.to_owned(), (*added).to_owned());
                let prefix = Self { removed, added };
                let names = prefix.names(stored, known, renames);
                let changed = names
                    .iter()
                    .zip(&as_they_are)
                    .filter(|(new, old)| new != old);
                let is_common = changed.count() * 2 > stored.len();
                let is_distinct = names.iter().collect::<HashSet<_>>().len() == names.len();
                let fit = fitting(&names);
                if is_common && is_distinct && fit > best.0 {
                    best = (fit, prefix);
                }
            }
        }
        best.1
    }

    fn names(&self, stored: &[&str], known: &HashSet<&str>, renames: &[Rename]) -> Vec<String> {
        let name = |stored: &&str| self.apply(stored, known, renames);
        stored.iter().map(name).collect()
    }

    /// The model's name for a stored tensor, or what is nearest to one where it is none of the `known`.
    pub(super) fn apply(&self, stored: &str, known: &HashSet<&str>, renames: &[Rename]) -> String {
        let stored = stored.strip_prefix(&self.removed).unwrap_or(stored);
        let name = Rename::apply(renames, stored);
        let with_added = format!("{}{name}", self.added);
        match known.contains(with_added.as_str()) && !known.contains(name.as_str()) {
            true => with_added,
            false => name,
        }
    }
}

/// The first one and two modules that names start with, and nothing at all, which comes first.
fn fronts<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> Vec<&'a str> {
    let mut fronts = BTreeSet::from([""]);
    for name in names {
        let ends = name.match_indices('.').map(|(end, _)| end + 1);
        // What follows is a parameter of some module: a module's own name is no prefix.
        let ends = ends.filter(|&end| name[end..].contains('.')).take(2);
        fronts.extend(ends.map(|end| &name[..end]));
    }
    let mut fronts: Vec<&str> = fronts.into_iter().collect();
    fronts.sort_by_key(|front| front.matches('.').count());
    fronts
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = [
        "model.embed_tokens.weight",
        "model.layers.0.mlp.up_proj.weight",
        "model.norm.weight",
        "lm_head.weight",
    ];

    fn find(stored: &[&str]) -> (String, String) {
        let prefix = Prefix::find(stored, &KNOWN.into_iter().collect(), &[]);
        (prefix.removed, prefix.added)
    }

    #[test]
    fn a_common_prefix_is_found() {
        for (removed, added) in [
            ("_orig_mod.", ""),
            ("module._orig_mod.", ""),
            ("language_model.", ""),
            ("model.", ""),
        ] {
            let stored = KNOWN.map(|name| format!("{removed}{name}"));
            let stored: Vec<&str> = stored.iter().map(String::as_str).collect();
            assert_eq!(find(&stored), (removed.to_owned(), added.to_owned()));
        }
    }

    #[test]
    fn a_missing_or_repeated_prefix_is_found_beside_a_head_without_one() {
        for (removed, front, added) in [
            ("", "", "model."),
            ("module.", "module.", "model."),
            ("model.", "model.model.", ""),
        ] {
            let stored = KNOWN.map(|name| name.replacen("model.", front, 1));
            let stored: Vec<&str> = stored.iter().map(String::as_str).collect();
            assert_eq!(
                find(&stored),
                (removed.to_owned(), added.to_owned()),
                "{stored:?}"
            );
        }
    }

    #[test]
    fn the_odd_misnamed_tensor_gives_no_prefix() {
        let mut stored = KNOWN;
        assert_eq!(find(&stored), Default::default());
        stored[2] = "modle.norm.weight";
        assert_eq!(find(&stored), Default::default());
        stored[1] = "up_proj.weight";
        assert_eq!(find(&stored), Default::default());
    }
}
