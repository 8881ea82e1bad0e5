//! Faults of a plan that only a program, a config or a mesh can show.

use tp_plan::words::{All, Meant};
use tp_plan::{Plan, PlanRow, Sharding, StyleKind};

/// A plan that is not there, or does not fit its model, its config or its mesh.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No crate with plans is linked.
    #[error(
        "no plan is registered: a program links the plans of a crate it names, write `use tp_models as _;`"
    )]
    EmptyRegistry,

    /// No plan for the model.
    #[error(
        "no plan for `{found}`:{} plans are registered for {}",
        Meant(near),
        All(known)
    )]
    UnknownModel {
        /// The model asked for.
        found: String,
        /// The one that was likely meant.
        near: Option<&'static str>,
        /// Every model with a plan.
        known: Vec<&'static str>,
    },

    /// The model has alternates only.
    #[error(
        "`{model}` has no default plan: choose an alternate, {}",
        All(alternates)
    )]
    NoDefault {
        /// The model asked for.
        model: String,
        /// Its alternates.
        alternates: Vec<&'static str>,
    },

    /// The model has no such alternate.
    #[error("`{model}` has no plan \"{found}\": {}", alternates_of(alternates))]
    UnknownAlternate {
        /// The model asked for.
        model: String,
        /// The name asked for.
        found: String,
        /// Its alternates.
        alternates: Vec<&'static str>,
    },

    /// Two plans go by one name.
    #[error("`{}` has two {}, `{}` at {} and `{}` at {}: write `as \"...\"` with a name of its own on one", .first.model(), role(first), .first.name, .first.place(), .second.name, .second.place())]
    TwoPlans {
        /// One of them.
        first: &'static Plan,
        /// The other.
        second: &'static Plan,
    },

    /// Sequence parallelism asked of a table with one column.
    #[error("plan `{}` ({}) has no column for sequence parallelism: add one right of a `|`, or run without it", .plan.name, .plan.place())]
    NoSequenceColumn {
        /// The plan.
        plan: &'static Plan,
    },

    /// A row for modules that this configuration does not build.
    #[error("row \"{}\" ({}) names no module of this configuration: end it in `?` if it may match nothing", .row.pattern, .row.place())]
    RowMatchesNothing {
        /// The row.
        row: Box<PlanRow>,
    },

    /// A dimension that is not made of as many heads as its layer says.
    #[error("row \"{}\" ({}) splits `{parameter}` {shape:?} by heads, but dimension {dim} does not divide into `{field}`, {count}{}", .row.pattern, .row.place(), read_by(*count, *queries))]
    Heads {
        /// The row.
        row: Box<PlanRow>,
        /// The parameter.
        parameter: String,
        /// Its whole shape.
        shape: Vec<i64>,
        /// The dimension.
        dim: usize,
        /// The config field that says how many heads there are.
        field: &'static str,
        /// How many there are.
        count: i64,
        /// How many queries read them.
        queries: i64,
    },

    /// Segments that the layer does not have.
    #[error("row \"{}\" ({}) splits `{layer}` by segments: {}", .row.pattern, .row.place(), segments_of(known))]
    Segments {
        /// The row.
        row: Box<PlanRow>,
        /// The layer.
        layer: String,
        /// The layer's own segments.
        known: Vec<&'static str>,
    },

    /// One parameter under two names, which ranks would hold in two ways.
    #[error(
        "`{first}` and `{second}` are one tied parameter, but their rows place it as {first_sharding} and as {second_sharding}: give both modules rows that agree"
    )]
    TiedParameter {
        /// One name.
        first: String,
        /// How its row places it.
        first_sharding: Sharding,
        /// The other name.
        second: String,
        /// How its row places it.
        second_sharding: Sharding,
    },

    /// A style for another kind of layer, or a kind that does not say what it is without one.
    #[error("`{layer}` is {kind}, which has no rule for {}: write plans with `tp_plan!`, which checks them", match style { Some(style) => format!("`{}`", style.name()), None => "a layer without a style".to_owned() })]
    NoRule {
        /// The layer.
        layer: String,
        /// Its kind in a sentence.
        kind: &'static str,
        /// The style it was given, if any.
        style: Option<StyleKind>,
    },

    /// A parameter of which the rule of its layer's style says nothing.
    #[error("`{layer}` is `{}`, which does not say how its parameter `{leaf}` is placed: list it in the rule of the layer's kind", style.name())]
    UnplacedParameter {
        /// The layer.
        layer: String,
        /// The parameter's last name segment.
        leaf: &'static str,
        /// The layer's style.
        style: StyleKind,
    },
}

fn role(plan: &Plan) -> String {
    match plan.alternate {
        Some(alternate) => format!("plans named \"{alternate}\""),
        None => "default plans".to_owned(),
    }
}

fn read_by(count: i64, queries: i64) -> String {
    match count == queries {
        true => String::new(),
        false => format!(", which {queries} queries are to read evenly"),
    }
}

fn segments_of(known: &[&'static str]) -> String {
    if known.is_empty() {
        "it is not fused, remove `segments`".to_owned()
    } else {
        format!("write `segments: [{}]`", known.join(", "))
    }
}

fn alternates_of(alternates: &[&'static str]) -> String {
    if alternates.is_empty() {
        "it has only its default".to_owned()
    } else {
        format!("its alternates are {}", All(alternates))
    }
}
