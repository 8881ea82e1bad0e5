//! A plan of another program, on the modules of a model.

use super::error::InteropError;
use super::{Import, ImportedRow};
use crate::plan::check::{Target, has_place, walk};
use crate::plan::{Arity, ModuleKind, Node, pattern};

/// What models with more than a text part call that.
const TEXT: &str = "language_model";

/// Where the rows of an import stand in a model.
#[derive(Debug)]
pub struct Fit {
    /// The module that the file's patterns start from; empty for the model itself.
    pub prefix: String,
    /// Optional rows: they name no module of the model, but one that its struct could have.
    pub nameless: Vec<String>,
    /// Rows for what the file does not name: whole on every rank.
    pub whole: Vec<String>,
}

impl Import {
    /// Gives every row the full name of its modules, in the model's order, and a `_` to every linear
    /// layer and embedding that the file does not name.
    ///
    /// transformers' plans name modules from the backbone on (`layers.*…` for `model.layers.*…`):
    /// the prefix under which most patterns name a module is taken, none where they name as many as they stand.
    ///
    /// # Errors
    /// When as many name a module in several places, or a pattern names nothing, and no module could stand
    /// there: each is named.
    pub fn fit(&mut self, model: &'static Node) -> Result<Fit, InteropError> {
        let prefix = self.prefix(model)?;
        let (mut messages, mut nameless) = (Vec::new(), Vec::new());
        for row in &mut self.rows {
            let inside = join(&prefix, &row.pattern);
            let names = [inside, row.pattern.clone()];
            if let Some(found) = names.iter().find(|name| walk(model, name).is_ok()) {
                row.pattern.clone_from(found);
            } else if let Some(place) = names.iter().find(|name| has_place(model, name)) {
                row.pattern.clone_from(place);
                row.optional = true;
                nameless.push(place.clone());
            } else if let Err(message) = walk(model, &names[0]) {
                messages.push(message.as_str().to_owned());
            }
        }
        if !messages.is_empty() {
            return Err(InteropError::Rows { messages });
        }
        let mut whole = Vec::new();
        self.keep_whole(model, &mut Vec::new(), &mut whole);
        self.rows
            .sort_by_cached_key(|row| position(model, &row.pattern));
        Ok(Fit {
            prefix,
            nameless,
            whole,
        })
    }

    /// The struct of modules under which most patterns name a module.
    fn prefix(&self, model: &'static Node) -> Result<String, InteropError> {
        let (mut most, mut places) = (1, Vec::new());
        for prefix in structs(model, "") {
            let named = |row: &&ImportedRow| walk(model, &join(&prefix, &row.pattern)).is_ok();
            let count = self.rows.iter().filter(named).count();
            if count > most {
                (most, places) = (count, Vec::new());
            }
            if count == most {
                places.push(prefix);
            }
        }
        let is_text = |place: &String| place.split('.').any(|name| name == TEXT);
        if self.is_of_text && places.iter().any(is_text) {
            places.retain(is_text);
        }
        match places.as_slice() {
            [] => Ok(String::new()),
            [only] => Ok(only.clone()),
            [as_it_stands, ..] if as_it_stands.is_empty() => Ok(String::new()),
            _ => Err(InteropError::SeveralPlaces {
                pattern: self
                    .rows
                    .first()
                    .map(|row| row.pattern.clone())
                    .unwrap_or_default(),
                model: model.type_name,
                places,
            }),
        }
    }

    /// Adds a `_` for each linear layer and embedding below `node` that has no row, at the outermost
    /// module in which no other row stands.
    fn keep_whole(
        &mut self,
        node: &'static Node,
        path: &mut Vec<&'static str>,
        whole: &mut Vec<String>,
    ) {
        if node.kind.can_be_split() {
            if let Some(kept) = self.unnamed(&path.join(".")) {
                let is_inside = |other: &String| pattern::encloses(&kept, other);
                self.rows
                    .retain(|row| !whole.contains(&row.pattern) || !is_inside(&row.pattern));
                whole.retain(|other| !is_inside(other));
                self.rows.push(ImportedRow::whole(kept.clone()));
                whole.push(kept);
            }
            return;
        }
        for child in node.children {
            let depth = path.len();
            path.push(child.name);
            if child.arity == Arity::List {
                path.push("*");
            }
            self.keep_whole(child.node, path, whole);
            path.truncate(depth);
        }
    }

    /// What keeps the layer at `path` whole, if no row names it.
    fn unnamed(&self, path: &str) -> Option<String> {
        let names = |row: &ImportedRow, path: &str| pattern::matches(&row.pattern, path);
        let keeps = |row: &ImportedRow| row.keeps_whole() && pattern::encloses(&row.pattern, path);
        if self.rows.iter().any(|row| names(row, path) || keeps(row)) {
            return None;
        }
        let touched = |module: &str| {
            self.rows.iter().any(|row| {
                pattern::overlap(module, &row.pattern) || pattern::encloses(module, &row.pattern)
            })
        };
        let modules: Vec<&str> = path
            .match_indices('.')
            .map(|(end, _)| &path[..end])
            .chain([path])
            .filter(|module| !module.ends_with(".*"))
            .collect();
        let free = modules.iter().find(|module| !touched(module));
        // Where a row singles out an element of the list, the `_` of the list is for the others.
        let around = || modules.iter().rev().find(|module| **module != path);
        free.or_else(around).map(|module| (*module).to_owned())
    }
}

impl ImportedRow {
    fn keeps_whole(&self) -> bool {
        self.tensor_parallel.is_none() && self.sequence_parallel.is_none()
    }
}

/// The paths of the model and of every struct in it that is no element of a list.
fn structs(node: &'static Node, path: &str) -> Vec<String> {
    let mut paths = vec![path.to_owned()];
    for child in node.children {
        if child.arity != Arity::List && child.node.kind == ModuleKind::Container {
            paths.extend(structs(child.node, &join(path, child.name)));
        }
    }
    paths
}

fn join(prefix: &str, path: &str) -> String {
    match prefix {
        "" => path.to_owned(),
        _ => format!("{prefix}.{path}"),
    }
}

/// Where a pattern stands in the model's order: what names nothing comes last in its struct.
fn position(model: &'static Node, pattern: &str) -> Vec<usize> {
    let mut position = Vec::new();
    let (mut node, mut rest) = (model, Some(pattern));
    while let Some(path) = rest {
        let (segment, after) = pattern::split(path);
        rest = after;
        let place = node.children.iter().position(|child| child.name == segment);
        position.push(place.unwrap_or(usize::MAX));
        let Some(child) = place.map(|place| &node.children[place]) else {
            break;
        };
        node = child.node;
        if child.arity == Arity::List
            && let Some(elements) = rest
        {
            let (element, after) = pattern::split(elements);
            position.push(element.parse().map_or(0, |index: usize| index + 1));
            rest = after;
        }
    }
    position
}

/// Whether `pattern` names a layer of the model.
pub(super) fn names_layer(model: &'static Node, pattern: &str) -> bool {
    matches!(walk(model, pattern), Ok(Target::Layer(_)))
}
