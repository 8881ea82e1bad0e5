//! What a model is made of: modules under their checkpoint names, leaf layers, parameters by shape.

mod context;
mod field;
#[cfg(feature = "torch")]
mod forward_pass;
mod fresh_head;
mod last_branch;
mod layer;
mod leaf;
mod low_rank;
mod param;
mod path;
#[cfg(feature = "torch")]
mod recompute;
#[cfg(feature = "testing")]
pub(crate) mod recording;
mod rename;
#[cfg(feature = "torch")]
mod replica_groups;
mod segment;
#[cfg(feature = "torch")]
mod unread;

pub use context::ParallelContext;
pub use field::Field;
pub use fresh_head::FreshHead;
pub use layer::Layer;
#[doc(hidden)]
pub use leaf::{LeafField, check_leaf};
pub use low_rank::{LowRank, LowRankSlot};
pub use param::{Heads, Initial, Param};
pub use path::ModulePath;
pub use rename::Rename;
pub use segment::Segment;
pub use tp_macros::Module;
pub use tp_plan::{Division, Partition, Sharding};
#[cfg(feature = "torch")]
pub use {crate::error::LayerError, forward_pass::ForwardPass, recompute::recompute};
#[cfg(feature = "torch")]
pub(crate) use {
    context::{AssignedParam, Assignment},
    param::Keeper,
    replica_groups::{Replica, ReplicaGroups},
};

pub(crate) use last_branch::last_branch;

use tp_plan::Node;

/// A struct whose fields are modules, named as in the checkpoint; written by `#[derive(Module)]`.
///
/// The constant tree and the visit come from the same fields, so the struct that runs is the tree
/// that `tp_plan!` checks.
pub trait Module: 'static {
    /// The type's place in the tree of constants.
    const NODE: &'static Node;

    /// Calls `visitor` with the path of every leaf layer at or below `path`, in field order.
    fn visit<'a>(&'a self, path: &ModulePath, visitor: &mut dyn FnMut(&ModulePath, &'a dyn Layer));
}

/// A layer with its path, and with it everything a plan can name.
pub struct NamedLayer<'a> {
    /// Where it stands in the model.
    pub path: ModulePath,
    /// The layer.
    pub layer: &'a dyn Layer,
}

/// A parameter with its checkpoint name.
pub struct NamedParam<'a> {
    /// Its full name, such as `model.layers.0.mlp.up_proj.weight`.
    pub name: String,
    /// The further names of a tied parameter, such as `lm_head.weight`.
    pub tied: Vec<String>,
    /// The parameter.
    pub param: &'a Param,
}

/// A parameter with its checkpoint name, and how the ranks hold it.
pub struct ShardedParam<'a> {
    /// Its full name, such as `model.layers.0.mlp.up_proj.weight`.
    pub name: String,
    /// The further names of a tied parameter, such as `lm_head.weight`.
    pub tied: Vec<String>,
    /// The parameter.
    pub param: &'a Param,
    /// How the ranks hold it.
    pub sharding: Sharding,
}

/// Every leaf layer of a model, in field order.
pub fn layers<M: Module>(model: &M) -> Vec<NamedLayer<'_>> {
    let mut layers = Vec::new();
    model.visit(&ModulePath::root(), &mut |path, layer| {
        layers.push(NamedLayer {
            path: path.clone(),
            layer,
        });
    });
    layers
}

/// Every parameter of a model under its first name; a tied parameter appears once.
pub fn parameters<M: Module>(model: &M) -> Vec<NamedParam<'_>> {
    let mut named: Vec<NamedParam<'_>> = Vec::new();
    for NamedLayer { path, layer } in layers(model) {
        for (leaf, param) in layer.parameters() {
            let name = path.join(leaf).to_string();
            match named.iter_mut().find(|other| other.param.is_tied_to(param)) {
                Some(first) => first.tied.push(name),
                None => named.push(NamedParam {
                    name,
                    tied: Vec::new(),
                    param,
                }),
            }
        }
    }
    named
}
