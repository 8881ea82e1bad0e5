//! `tp plans`: the registry.

use anyhow::Result;
use serde_json::{Map, Value};
use tp_runtime::interop::{json, python};
use tp_runtime::plan::{self, Mode, Plan};

use super::model::{Subject, mode};
use super::output::{print, print_json};

/// List the plans this program knows
///
/// One line per plan: the architecture that `config.json` names, the plan, whether it is the
/// architecture's default or an alternate (for `--plan`), the modes it supports, and where its table
/// is written. With --python, one plan as a Python file for `parallelize_module`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tp plans                     what there is
  tp plans --json > plans.json every row of every plan, with PyTorch's names for styles
  tp plans --python LlamaForCausalLM > llama_plan.py
                               Llama's plan as a dict for parallelize_module(model, mesh, plan)")]
pub(crate) struct Arguments {
    /// Print every row, as {ARCHITECTURE: {\"tp\": {PATTERN: STYLE}, \"sp\": {...} or null}}
    #[arg(long)]
    json: bool,

    /// Print a plan of this model (its architecture, a folder, a config.json or a name on the hub) as a Python file for PyTorch
    #[arg(long, value_name = "MODEL", conflicts_with = "json")]
    python: Option<String>,

    /// An alternate of the model's plan
    #[arg(long, value_name = "NAME", requires = "python")]
    plan: Option<String>,

    /// The column that splits the activations over the sequence
    #[arg(long, requires = "python")]
    sequence_parallel: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(model) = &arguments.python {
        let architecture = Subject::of(model)?.node.type_name;
        let plan = match &arguments.plan {
            None => plan::plan_for_architecture(architecture)?,
            Some(name) => plan::plan_named(architecture, name)?,
        };
        let text = python(plan, mode(arguments.sequence_parallel))?;
        return print(text.trim_end());
    }
    let plans = plan::plans();
    if arguments.json {
        return print_json(&tables(&plans));
    }
    print(lines(&plans).join("\n"))
}

/// An architecture's alternates stand inside its entry, by name.
fn tables(plans: &[&'static Plan]) -> Map<String, Value> {
    let mut tables = Map::new();
    for plan in plans {
        let model = tables
            .entry(plan.model())
            .or_insert_with(|| Map::new().into());
        let table = json(plan);
        match plan.alternate {
            Some(alternate) => model["alternates"][alternate] = table,
            None => {
                model["tp"] = table["tp"].clone();
                model["sp"] = table["sp"].clone();
            }
        }
    }
    tables
}

fn lines(plans: &[&'static Plan]) -> Vec<String> {
    let rows: Vec<[String; 5]> = plans.iter().map(|plan| row(plan)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let line = |row: &[String; 5]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}  "));
        format!("{}{}", cells.collect::<String>(), row[4])
    };
    rows.iter().map(line).collect()
}

fn row(plan: &Plan) -> [String; 5] {
    let role = match plan.alternate {
        Some(alternate) => format!("--plan {alternate}"),
        None => "default".to_owned(),
    };
    let modes = match plan.supports(Mode::SequenceParallel) {
        true => "tensor parallel, sequence parallel",
        false => "tensor parallel",
    };
    [plan.model(), plan.name, &role, modes, &plan.place()].map(str::to_owned)
}
