//! Follows a model's declared flow from its embedding to its logits.

use std::collections::{HashMap, HashSet};

use super::activations::{Activations, Value};
use super::layers::Site;
use super::{ExplainError, Setup};
use crate::Result;
use crate::module::{ModulePath, NamedLayer};
use crate::plan::{Arity, ModuleKind, Node, Resolution, Stage, pattern};

/// One forward over the layers of a model.
pub(super) struct Walk<'a> {
    sites: HashMap<&'a str, Site<'a>>,
    /// Every module that this configuration builds.
    modules: HashSet<&'a str>,
    pub(super) activations: Activations,
}

impl<'a> Walk<'a> {
    /// Follows the flow of `node` to its end, and gives what it ends in.
    pub(super) fn run(
        node: &Node,
        layers: &'a [NamedLayer<'a>],
        resolution: &'a Resolution,
        setup: Setup,
    ) -> Result<(Activations, Value)> {
        let mut modules = HashSet::new();
        for layer in layers {
            let mut path = Some(layer.path.as_str());
            while let Some(module) = path {
                modules.insert(module);
                path = pattern::split_last(module).map(|(parent, _)| parent);
            }
        }
        let sites = layers.iter().zip(&resolution.layers);
        let sites = sites.map(|(named, resolved)| {
            let path = named.path.as_str();
            let (layer, style) = (named.layer, resolved.style);
            (path, Site { path, style, layer })
        });
        let (activations, input) = Activations::new(setup);
        let mut walk = Self {
            sites: sites.collect(),
            modules,
            activations,
        };
        let output = walk.module(node, &ModulePath::root(), input)?;
        Ok((walk.activations, output))
    }

    fn module(&mut self, node: &Node, path: &ModulePath, input: Value) -> Result<Value> {
        match node.kind {
            ModuleKind::Container => self.container(node, path, input),
            _ => self.sites[path.as_str()].forward(&mut self.activations, input),
        }
    }

    fn container(&mut self, node: &Node, path: &ModulePath, input: Value) -> Result<Value> {
        if node.flow.is_empty() {
            let path = match path.as_str() {
                "" => node.type_name,
                path => path,
            };
            return Err(ExplainError::NoFlow {
                type_name: node.type_name,
                path: path.to_owned(),
            }
            .into());
        }
        let (mut stream, mut value) = (input, input);
        for stage in node.flow {
            match stage {
                Stage::Feed(branches) => value = self.feed(node, path, branches, value)?,
                Stage::Residual => {
                    stream = self.activations.join(stream, value, "a sum")?;
                    value = stream;
                }
            }
        }
        Ok(value)
    }

    /// Every branch, on the same value; what they give is joined elementwise.
    fn feed(
        &mut self,
        node: &Node,
        path: &ModulePath,
        branches: &[&[&str]],
        input: Value,
    ) -> Result<Value> {
        let mut joined = None;
        for branch in branches {
            let Some(output) = self.branch(node, path, branch, input)? else {
                continue;
            };
            joined = Some(match joined {
                Some(first) => self.activations.join(first, output, "joining branches")?,
                None => output,
            });
        }
        Ok(joined.unwrap_or(input))
    }

    /// The children of one branch, one after another; `None` where this configuration builds none.
    fn branch(
        &mut self,
        node: &Node,
        path: &ModulePath,
        names: &[&str],
        input: Value,
    ) -> Result<Option<Value>> {
        let mut value = None;
        for child in names.iter().flat_map(|name| {
            let named = node.children.iter();
            named.filter(move |child| child.name == *name)
        }) {
            let path = path.join(child.name);
            if !self.modules.contains(path.as_str()) {
                continue;
            }
            let input = value.unwrap_or(input);
            value = Some(match child.arity {
                Arity::One | Arity::Optional => self.module(child.node, &path, input)?,
                Arity::List => self.list(child.node, &path, input)?,
            });
        }
        Ok(value)
    }

    /// The elements of a list, one after another.
    fn list(&mut self, node: &Node, path: &ModulePath, input: Value) -> Result<Value> {
        let mut value = input;
        for index in 0.. {
            let path = path.join(index);
            if !self.modules.contains(path.as_str()) {
                break;
            }
            value = self.module(node, &path, value)?;
        }
        Ok(value)
    }
}
