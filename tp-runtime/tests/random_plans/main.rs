//! On random trees and plans, what rustc is told at compile time is what the resolver does at run time.

mod naive;
mod rows;
mod tree;

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use naive::Names;
use proptest::prelude::*;
use rows::{Wish, any_wish};
use tp_runtime::Mode;
use tp_runtime::plan::check::{self, Target};
use tp_runtime::plan::{Item, ModuleKind, Node, Plan, PlanError, Row, pattern, resolve, row_of};
use tree::{Tree, any_tree};

fn plan(node: &'static Node, rows: Vec<Row>, base: Option<&'static Plan>) -> &'static Plan {
    let items: Vec<Item> = rows.into_iter().map(Item::Row).collect();
    Box::leak(Box::new(Plan {
        name: if base.is_some() { "DERIVED" } else { "PLAN" },
        doc: "",
        node,
        alternate: base.map(|_| "derived"),
        base,
        items: items.leak(),
        has_sequence_column: true,
        file: "random.rs",
        line: 1,
    }))
}

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether rustc would have nothing to say; what it would say is not printed.
fn passes(check: impl FnOnce()) -> bool {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !ASKING.get() {
                print(info);
            }
        }));
    });
    ASKING.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(check));
    ASKING.set(false);
    outcome.is_ok()
}

/// Rows that name layers, or keep structs whole, each its own.
fn legal(tree: &Tree, node: &'static Node, wishes: &[Wish]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for row in wishes.iter().map(|wish| wish.row(tree)) {
        let alone = plan(node, vec![row], None);
        let apart = rows
            .iter()
            .all(|other| !naive::overlap(row.pattern, other.pattern));
        if apart
            && passes(|| {
                check::row(alone, 0);
            })
        {
            rows.push(row);
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn a_row_that_compiles_names_a_layer_and_no_other_does(tree in any_tree(), wish in any_wish()) {
        let (node, row) = (tree.node(), wish.row(&tree));
        let names = naive::names(&tree, row.pattern);
        let walked = match check::walk(node, row.pattern) {
            Ok(Target::Layer(child)) => Names::Layer(child.node.kind),
            Ok(Target::Container(_)) => Names::Struct,
            Ok(Target::List(_)) => Names::List,
            Err(_) => Names::Nothing,
        };
        prop_assert_eq!(&walked, &names);

        let plan = plan(node, vec![row], None);
        let compiles = passes(|| {
            check::row(plan, 0);
        });
        let layer = matches!(names, Names::Layer(_));
        prop_assert_eq!(compiles, layer || row.is_replicated() && names != Names::Nothing);

        let layers = tree.layers();
        let matched = layers.iter().filter(|layer| pattern::matches(row.pattern, layer.path.as_str()));
        prop_assert_eq!(matched.count() > 0, layer);
        let resolved = resolve(plan, &layers, Mode::TensorParallel);
        let refused = matches!(resolved, Err(PlanError::RowMatchesNothing { .. }));
        prop_assert_eq!(refused, !layer && !row.is_replicated());
    }

    #[test]
    fn a_style_that_compiles_fits_its_layer(tree in any_tree(), wish in any_wish()) {
        let row = wish.row(&tree);
        if let Names::Layer(kind) = naive::names(&tree, row.pattern) {
            let plan = plan(tree.node(), vec![row], None);
            for mode in Mode::ALL {
                let fits = passes(|| check::fits(&check::row(plan, 0), mode));
                let style = row.style(mode);
                let takes_ids = kind == ModuleKind::Embedding;
                let expected = style.is_none_or(|style| {
                    style.kind.fits(kind) && (!takes_ids || style.input == tp_runtime::Placement::Replicate)
                });
                prop_assert_eq!(fits, expected);
            }
        }
    }

    #[test]
    fn a_covered_plan_leaves_no_layer_without_a_row(
        tree in any_tree(),
        wishes in proptest::collection::vec(any_wish(), 1..8),
    ) {
        let node = tree.node();
        let plan = plan(node, legal(&tree, node, &wishes), None);
        let sound = plan.items.iter().enumerate().all(|(index, _)| {
            Mode::ALL.iter().all(|mode| passes(|| check::fits(&check::row(plan, index), *mode)))
        });
        let layers = tree.layers();
        let resolution = resolve(plan, &layers, Mode::TensorParallel);
        let mut forgotten = resolution.into_iter().flat_map(|resolution| resolution.layers);
        let all = forgotten.all(|layer| layer.kind == ModuleKind::Norm || layer.row.is_some());
        // Elements singled out one by one leave those that a longer list would have.
        let elements = plan.items.iter().any(|item| item.pattern().contains(char::is_numeric));
        let covered = passes(|| check::covered(plan));
        prop_assert!(!covered || all || !sound);
        prop_assert!(covered || !all || elements || !sound);
    }

    #[test]
    fn the_row_of_a_layer_is_the_one_the_table_means(
        tree in any_tree(),
        wishes in proptest::collection::vec(any_wish(), 1..8),
        changes in proptest::collection::vec(any_wish(), 0..6),
    ) {
        let node = tree.node();
        let base = plan(node, legal(&tree, node, &wishes), None);
        let derived = plan(node, legal(&tree, node, &changes), Some(base));
        let layers = tree.layers();
        for plan in [base, derived] {
            for layer in &layers {
                let found = row_of(plan, layer.path.as_str());
                let wanted = naive::row_of(plan, layer.path.as_str());
                let pattern = found.as_ref().map(|row| row.pattern.as_str());
                prop_assert_eq!(pattern, wanted.map(|row| row.pattern));
                for mode in Mode::ALL {
                    let style = found.as_ref().and_then(|row| row.style(mode));
                    prop_assert_eq!(style, wanted.and_then(|row| row.style(mode)));
                }
            }
        }
    }
}
