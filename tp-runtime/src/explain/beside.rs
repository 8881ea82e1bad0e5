//! Two plans of one model side by side: rows, costs, and what becomes of each parameter.

use std::collections::HashSet;
use std::fmt;

use super::fold::{Folded, Lists, neighbours};
use super::size::{self, Size};
use super::table::Table;
use super::{Count, Explanation};
use crate::plan::{Placement, RowDifference};

/// What two plans make of one model, on the same ranks.
#[derive(Debug)]
pub struct Beside<'a> {
    /// What people call the plans.
    pub names: [&'a str; 2],
    /// The rows that differ.
    pub rows: &'a [RowDifference],
    /// What each makes of a configuration, if one is given.
    pub explanations: Option<[&'a Explanation; 2]>,
}

/// For people; without a line break at the end.
impl fmt::Display for Beside<'_> {
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

impl Beside<'_> {
    /// A table with the plans' names above its columns.
    fn table(&self, first: &str) -> Table {
        let [left, right] = self.names.map(str::to_owned);
        let mut table = Table::default();
        table.push([first.to_owned(), left, right]);
        table
    }

    fn row_lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return f.write_str("no row differs");
        }
        f.write_str("rows that differ:")?;
        let mut table = self.table("module");
        for (name, row) in neighbours(self.rows, |row| &row.pattern, |row| row.said) {
            let [left, right] = row.said.map(|said| said.to_string());
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
            return f.write_str("\n\nno parameter lies differently");
        }
        f.write_str("\n\nparameters that lie differently:")?;
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

fn print(f: &mut fmt::Formatter<'_>, table: &Table) -> fmt::Result {
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
        _ => size::change(second, first),
    }
}

fn costs(table: &mut Table, explanations: [&Explanation; 2]) {
    let mut bytes = |what: &str, of: fn(&Explanation) -> Option<u64>| {
        if let [Some(left), Some(right)] = explanations.map(of) {
            table.push([
                what.to_owned(),
                Size(left).to_string(),
                Size(right).to_string(),
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
            1 => format!("1 collective, {}", Size(count.bytes)),
            many => format!("{many} collectives, {}", Size(count.bytes)),
        });
        let [left, right] = text;
        let change = change(counts.map(|count| count.bytes));
        table.push([what.to_owned(), left, right, change]);
    };
    calls("forward", |one| one.forward_traffic().total());
    calls("loss", |one| one.loss_traffic().total());
    calls("backward", |one| one.backward_traffic().total());
}

/// Every parameter and how it lies: with its gradient, where ranks sum it.
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
