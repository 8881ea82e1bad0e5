use tp_runtime::module::{Module, ParallelContext, Param};
use tp_runtime::plan::Placement::{Replicate, Shard};
use tp_runtime::plan::{CustomKind, FEATURES, Makes, ModuleKind, Reads, Rule, StyleKind, WHOLE};
use tp_runtime::{leaf, tp_plan};

/// A layer of this crate, which `Colwise` alone fits.
struct GatedProjection {
    weight: Param,
    context: ParallelContext,
}

const KIND: CustomKind = CustomKind {
    name: "a gated projection",
    rules: &[
        Rule {
            style: Some(StyleKind::Colwise),
            inputs: &[Replicate],
            outputs: &[FEATURES],
            reads: Reads::Whole,
            makes: Makes::Placed(FEATURES),
            parameters: &[("weight", Shard(1))],
            ..WHOLE
        },
        WHOLE,
    ],
};

leaf!(GatedProjection, ModuleKind::Custom(&KIND), [weight]);

#[derive(Module)]
pub struct Mlp {
    gate_up: GatedProjection,
}

tp_plan! {
    /// A style that the layer does not have.
    pub PLAN for Mlp;
    "gate_up" => Rowwise,
}

fn main() {}
