//! The checks as plain functions, on a tree with a child of every arity.

use super::{Target, apart, check_target, layer, walk};
use crate::{Arity, Child, Item, Mode, ModuleKind, Node, Plan, Row, StyleKind};

static LINEAR: Node = node("Linear", ModuleKind::Linear, &[]);
static BLOCK: Node = node(
    "Block",
    ModuleKind::Container,
    &[
        Child::new("up", Arity::One, &LINEAR),
        Child::new("gate", Arity::Optional, &LINEAR),
    ],
);
static MODEL: Node = node(
    "Model",
    ModuleKind::Container,
    &[
        Child::new("layers", Arity::List, &BLOCK),
        Child::new("head", Arity::One, &LINEAR),
    ],
);

static BLOCK_ROWS: [Item; 1] = [row("up", false)];
static BLOCK_PLAN: Plan = plan("BLOCK_PLAN", &BLOCK, &BLOCK_ROWS);

const fn node(type_name: &'static str, kind: ModuleKind, children: &'static [Child]) -> Node {
    Node {
        type_name,
        type_path: type_name,
        kind,
        children,
        flow: &[],
    }
}

const fn plan(name: &'static str, node: &'static Node, items: &'static [Item]) -> Plan {
    let (alternate, has_sequence_column) = (None, false);
    Plan {
        name,
        doc: "",
        node,
        alternate,
        base: None,
        items,
        has_sequence_column,
        file: "plan.rs",
        line: 1,
    }
}

const fn row(pattern: &'static str, optional: bool) -> Item {
    let style = Some(StyleKind::Colwise.style());
    let row = Row::new(pattern, style);
    Item::Row(if optional { row.optional() } else { row })
}

fn message(pattern: &'static str, optional: bool) -> Option<String> {
    let Item::Row(row) = row(pattern, optional) else {
        unreachable!()
    };
    layer(&MODEL, &row)
        .err()
        .map(|text| text.as_str().to_owned())
}

#[test]
fn layers_are_named_through_lists_and_options() {
    for pattern in ["head", "layers.*.up", "layers.3.gate"] {
        assert!(
            matches!(walk(&MODEL, pattern), Ok(Target::Layer(_))),
            "{pattern}"
        );
    }
    assert!(matches!(walk(&MODEL, "layers"), Ok(Target::List(_))));
    assert!(matches!(walk(&MODEL, "layers.*"), Ok(Target::Container(_))));
}

#[test]
fn each_wrong_name_says_what_is_there() {
    let cases = [
        ("hed", "did you mean \"head\"?"),
        ("norm", "the model has \"layers\", \"head\""),
        ("layers.up", "\"layers\" is a list"),
        (
            "head.weight",
            "\"head\" is a linear layer with no modules inside",
        ),
        (
            "head.*",
            "\"head\" is a linear layer with no modules inside",
        ),
        ("*.up", "the model is no list"),
        ("layers.*", "a row names one layer"),
    ];
    for (pattern, part) in cases {
        let found = message(pattern, false).unwrap_or_default();
        assert!(found.contains(part), "{pattern}: {found}");
    }
}

#[test]
fn an_optional_row_needs_only_its_place() {
    assert!(message("layers.*.gate_up", false).is_some());
    assert_eq!(message("layers.*.gate_up", true), None);
    assert_eq!(message("value_head", true), None);
    assert!(message("blocks.*.gate_up", true).is_some());
    assert!(message("head.gate_up", true).is_some());
}

#[test]
fn an_included_plan_is_for_the_module_it_stands_at() {
    assert!(check_target(&MODEL, "layers.*", &BLOCK_PLAN).is_ok());
    let refused = check_target(&MODEL, "head", &BLOCK_PLAN).err();
    let text = refused.as_ref().map_or("", |text| text.as_str());
    assert!(
        text.contains("\"head\" is a Linear, and `BLOCK_PLAN` is a plan for Block"),
        "{text}"
    );
}

#[test]
fn a_row_stays_apart_from_included_rows() {
    static ITEMS: [Item; 4] = [
        Item::Include {
            prefix: "layers.*",
            plan: &BLOCK_PLAN,
        },
        row("layers.*.gate", false),
        row("layers.0.up", false),
        Item::Include {
            prefix: "layers.1",
            plan: &BLOCK_PLAN,
        },
    ];
    let plan = plan("PLAN", &MODEL, &ITEMS);
    assert!(apart(&plan, 0).is_ok());
    assert!(apart(&plan, 1).is_ok());
    assert!(apart(&plan, 2).is_err());
    assert!(apart(&plan, 3).is_err());
}

#[test]
#[should_panic(expected = "`Colwise` fits a linear layer or an embedding")]
fn a_style_that_does_not_fit_panics() {
    static NORM: Node = node("RmsNorm", ModuleKind::Norm, &[]);
    static TREE: Node = node(
        "Model",
        ModuleKind::Container,
        &[Child::new("norm", Arity::One, &NORM)],
    );
    static ITEMS: [Item; 1] = [row("norm", false)];
    let plan = plan("PLAN", &TREE, &ITEMS);
    super::fits(&super::row(&plan, 0), Mode::TensorParallel);
}
