//! Two plans of one model side by side, as `tp diff` prints them: rows, costs and parameters that differ.

use std::collections::HashSet;
use std::fmt;

use super::bytes::{self, Bytes};
use super::fold::{Folded, Lists};
use super::text_table::TextTable;
use super::{Count, Explanation};
use crate::plan::braces::neighbours;
use crate::plan::{Placement, RowDifference};

/// What two plans make of one model, on the same ranks.
#[derive(Debug)]
pub struct PlanDiff<'a> {
    /// What people call the plans.
    pub names: [&'a str; 2],
    /// The rows that differ.
    pub rows: &'a [RowDifference],
    /// What each makes of a configuration, if one is given.
    pub explanations: Option<[&'a Explanation; 2]>,
}

/// For people; without a line break at the end.
impl fmt::Display for PlanDiff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row_lines(f)?;
        let Some(explanations) = self.explanations else {
            return Ok(());
        };
        let setup = explanations[0].setup;
        let ranks = match setup.degree.get() {
            1 => "1 rank".to_owned(),
            many => format!("{many} ranks"),
        };
        write!(
            f,
            "\n\non {ranks}, batch {}, sequence {}, {}:",
            setup.batch, setup.sequence, setup.dtype
        )?;
        let mut table = self.table("");
        costs(&mut table, explanations);
        print(f, &table)?;
        self.parameter_lines(f, explanations)
    }
}

impl PlanDiff<'_> {
    /// A table with the plans' names above its columns.
    fn table(&self, first: &str) -> TextTable {
        let [left, right] = self.names.map(str::to_owned);
        let mut table = TextTable::default();
        table.push([first.to_owned(), left, right]);
        table
    }

    fn row_lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return f.write_str("no row differs");
        }
        f.write_str("rows that differ:")?;
        let mut table = self.table("module");
        for (name, row) in neighbours(self.rows, |row| &row.pattern, |row| row.cells) {
            let [left, right] = row.cells.map(|cell| cell.to_string());
            table.push([name, left, right]);
        }
        print(f, &table)
    }

    fn parameter_lines(
        &self,
        f: &mut fmt::Formatter<'_>,
        explanations: [&Explanation; 2],
    ) -> fmt::Result {
        let lists = Lists::of(
            explanations[0]
                .layers
                .iter()
                .map(|layer| layer.path.as_str()),
        );
        let [left, right] = explanations.map(parameters);
        let pairs = left.into_iter().zip(right);
        let differ = pairs.filter(|((_, left), (_, right))| left != right);
        let named = differ.map(|((name, left), (_, right))| (name, (left, right)));
        let folded = lists.fold(named);
        if folded.is_empty() {
            return f.write_str("\n\nno parameter is placed differently");
        }
        f.write_str("\n\nparameters that are placed differently:")?;
        let mut table = self.table("parameter");
        for Folded {
            name,
            count,
            alike: (left, right),
        } in folded
        {
            let times = if count > 1 {
                format!("{name} ×{count}")
            } else {
                name
            };
            table.push([times, left, right]);
        }
        print(f, &table)
    }
}

fn print(f: &mut fmt::Formatter<'_>, table: &TextTable) -> fmt::Result {
    for line in table.lines(&[]) {
        write!(f, "\n  {line}")?;
    }
    Ok(())
}

/// How the second differs from the first.
fn change([first, second]: [u64; 2]) -> String {
    match (first, second) {
        _ if first == second => "the same".to_owned(),
        (0, _) => "more".to_owned(),
        _ if second >= 2 * first => format!("{:.1} times as much", second as f64 / first as f64),
        _ => bytes::change(second, first),
    }
}

fn costs(table: &mut TextTable, explanations: [&Explanation; 2]) {
    let mut bytes = |what: &str, of: fn(&Explanation) -> Option<u64>| {
        if let [Some(left), Some(right)] = explanations.map(of) {
            table.push([
                what.to_owned(),
                Bytes(left).to_string(),
                Bytes(right).to_string(),
                change([left, right]),
            ]);
        }
    };
    bytes("parameters per rank", |one| Some(one.memory.rank_bytes));
    bytes("replicated on every rank", |one| {
        Some(one.memory.replicated_bytes)
    });
    bytes("activations per rank", |one| one.activation_bytes);
    let mut calls = |what: &str, of: fn(&Explanation) -> Count| {
        let counts = explanations.map(of);
        let text = counts.map(|count| match count.calls {
            0 => "no collectives".to_owned(),
            1 => format!("1 collective, {}", Bytes(count.bytes)),
            many => format!("{many} collectives, {}", Bytes(count.bytes)),
        });
        let [left, right] = text;
        let change = change(counts.map(|count| count.bytes));
        table.push([what.to_owned(), left, right, change]);
    };
    calls("forward", |one| one.forward_traffic().total());
    calls("loss", |one| one.loss_traffic().total());
    calls("backward", |one| one.backward_traffic().total());
}

/// Every parameter with its placement, and whether ranks sum its gradient.
fn parameters(explanation: &Explanation) -> Vec<(String, String)> {
    let backward = explanation.backward.iter();
    let summed: HashSet<String> = backward
        .flat_map(|call| {
            call.modules
                .iter()
                .map(|module| format!("{module}.{}", call.operand))
        })
        .collect();
    let layers = explanation.layers.iter();
    let parameters = layers.flat_map(|layer| {
        layer.parameters.iter().map(|parameter| {
            let name = format!("{}.{}", layer.path, parameter.name);
            let place = match parameter.placement {
                Placement::Replicate => "replicated".to_owned(),
                split => split.to_string(),
            };
            let gradient = match summed.contains(&name) {
                true => ", gradient summed over ranks",
                false => "",
            };
            (name, format!("{place}{gradient}"))
        })
    });
    parameters.collect()
}
