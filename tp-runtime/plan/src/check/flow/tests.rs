//! Plans that the macro cannot write, and where a conflict is to be shown.

use super::Flow;
use crate::{
    Arity, Child, Item, Mode, ModuleKind, Node, Placement, Plan, Row, Stage, Style, StyleKind,
};

static LINEAR: Node = node(ModuleKind::Linear, &[], &[]);
static EMBEDDING: Node = node(ModuleKind::Embedding, &[], &[]);
static BLOCK: Node = node(
    ModuleKind::Container,
    &[
        child("up", Arity::One, &LINEAR),
        child("down", Arity::One, &LINEAR),
    ],
    &[Stage::Feed(&[&[0]]), Stage::Feed(&[&[1]]), Stage::Residual],
);
static MODEL: Node = node(
    ModuleKind::Container,
    &[
        child("embed", Arity::One, &EMBEDDING),
        child("layers", Arity::List, &BLOCK),
    ],
    &[Stage::Feed(&[&[0]]), Stage::Feed(&[&[1]])],
);
/// The same without a word on what feeds what.
static SILENT: Node = node(ModuleKind::Container, MODEL.children, &[]);

const COLWISE: Style = StyleKind::Colwise.style();
const ROWWISE: Style = StyleKind::Rowwise.style();

const fn node(kind: ModuleKind, children: &'static [Child], flow: &'static [Stage]) -> Node {
    let (type_name, type_path) = ("Model", "Model");
    Node {
        type_name,
        type_path,
        kind,
        children,
        flow,
    }
}

const fn child(name: &'static str, arity: Arity, node: &'static Node) -> Child {
    Child::new(name, arity, node)
}

/// The line and the message of the conflict of `rows`, each a line of the table.
fn conflict(
    node: &'static Node,
    rows: &[(&'static str, Style)],
) -> Option<(Option<usize>, String)> {
    let items: Vec<Item> = rows
        .iter()
        .map(|&(pattern, style)| row(pattern, style))
        .collect();
    let plan: &Plan = Box::leak(Box::new(Plan {
        name: "PLAN",
        doc: "",
        node,
        alternate: None,
        base: None,
        items: items.leak(),
        has_sequence_column: false,
        file: "plan.rs",
        line: 1,
    }));
    let flow = Flow::of(plan);
    assert!(flow.conflict(Mode::SequenceParallel).is_none());
    let conflict = flow.conflict(Mode::TensorParallel)?;
    Some((conflict.item(), conflict.message().as_str().to_owned()))
}

const fn row(pattern: &'static str, style: Style) -> Item {
    Item::Row(Row::new(pattern, Some(style)))
}

#[test]
fn a_term_of_a_sum_is_added_to_nothing() {
    let partial = ROWWISE.output(Placement::Partial);
    let found = conflict(
        &MODEL,
        &[("layers.*.up", COLWISE), ("layers.*.down", partial)],
    );
    let (item, message) = found.expect("a conflict");
    assert_eq!(item, Some(1));
    assert!(
        message.contains("\"layers.*.down\" gives `Partial`"),
        "{message}"
    );
    assert!(
        message.contains("write `output: Replicate` for \"layers.*.down\""),
        "{message}"
    );
}

#[test]
fn the_row_of_a_reader_without_one_is_its_producers() {
    let (item, message) = conflict(&MODEL, &[("layers.*.up", COLWISE)]).expect("a conflict");
    assert_eq!(item, Some(0));
    assert!(
        message.contains("write `Rowwise` for \"layers.*.down\""),
        "{message}"
    );
}

#[test]
fn an_element_that_a_row_singles_out_is_followed_beside_the_others() {
    let both = [("layers.*.up", COLWISE), ("layers.*.down", ROWWISE)];
    assert!(conflict(&MODEL, &both).is_none());
    assert!(
        conflict(
            &MODEL,
            &[("layers.2.up", COLWISE), ("layers.2.down", ROWWISE)]
        )
        .is_none()
    );
    let (item, message) = conflict(
        &MODEL,
        &[("layers.2.up", COLWISE), ("layers.12.down", ROWWISE)],
    )
    .expect("a conflict");
    assert_eq!(item, Some(0));
    assert!(
        message.contains("\"layers.2.down\" is replicated"),
        "{message}"
    );
}

#[test]
fn what_is_not_declared_or_wrong_by_itself_is_passed_over() {
    assert!(conflict(&SILENT, &[("layers.*.up", COLWISE)]).is_none());
    assert!(
        conflict(
            &MODEL,
            &[("layers.*.up", COLWISE), ("layers.*.dwn", ROWWISE)]
        )
        .is_none()
    );
}
