//! `tp diff`: two plans of one model, side by side.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use tp_runtime::explain::{Explanation, PlanDiff, explain};
use tp_runtime::interop::Import;
use tp_runtime::plan::check::Flow;
use tp_runtime::plan::{Mode, Plan, plan_for_architecture, plan_named, row_differences};

use super::import::{plan_for, read};
use super::model::{SetupArgs, Subject, mode};
use super::numbers::count;
use super::output::{note, print};

/// Compare two plans of a model: rows, bytes, collectives, gradients
///
/// A and B are each a plan that `tp plans` lists (`default`, or the name of an alternate) or a file that `tp import`
/// reads. Without --tp, only rows are compared. Exits with 0 where no row differs, 1 where one does, 2 on an error.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tp diff default fused --model Phi3ForCausalLM
  tp diff default plan.json --model models/llama --tp 4 --sequence-parallel")]
pub(crate) struct Arguments {
    /// The one plan
    a: String,

    /// The other
    b: String,

    /// The model: a folder in the Hugging Face layout, its config.json, its name on the hub (`org/name`), or an architecture for rows alone
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,

    /// The tensor-parallel degree to compare costs at
    #[arg(long, value_name = "N", requires = "model", value_parser = count)]
    tp: Option<NonZeroUsize>,

    /// Compare the columns that split the activations over the sequence
    #[arg(long)]
    sequence_parallel: bool,

    #[command(flatten)]
    setup: SetupArgs,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mode = mode(arguments.sequence_parallel);
    let names = [arguments.a.as_str(), arguments.b.as_str()];
    let sides = [Side::of(names[0])?, Side::of(names[1])?];
    let subject = subject(arguments, &sides)?;
    let [a, b] = sides;
    let plans = [a.plan(&subject, mode)?, b.plan(&subject, mode)?];
    let rows = row_differences(plans, mode);
    let explanations = match arguments.tp {
        None => None,
        Some(degree) => {
            let model = subject.model.as_deref().ok_or_else(|| {
                anyhow!("--tp needs sizes: give --model a folder or its config.json")
            })?;
            let (setup, reason) = arguments.setup.setup(degree, mode, &subject.config)?;
            let explanations = [
                explain(plans[0], model, setup)?,
                explain(plans[1], model, setup)?,
            ];
            if let Some(reason) = reason {
                note(&reason);
            }
            Some(explanations)
        }
    };
    let equal = rows.is_empty();
    let explanations: Option<[&Explanation; 2]> = explanations.as_ref().map(|both| both.each_ref());
    print(PlanDiff {
        names,
        rows: &rows,
        explanations,
    })?;
    Ok(ExitCode::from(u8::from(!equal)))
}

/// One of the two plans.
enum Side<'a> {
    /// A registered one.
    Named(&'a str),
    /// One that a file gives.
    File(&'a Path, Import),
}

impl<'a> Side<'a> {
    fn of(text: &'a str) -> Result<Self> {
        let file = Path::new(text);
        Ok(match file.is_file() || text.ends_with(".json") {
            true => Self::File(file, read(file)?),
            false => Self::Named(text),
        })
    }

    /// The plan for a model, in which the layouts meet.
    fn plan(self, subject: &Subject, mode: Mode) -> Result<&'static Plan> {
        let (file, mut import) = match self {
            Self::Named("default") => return Ok(plan_for_architecture(subject.node.type_name)?),
            Self::Named(name) => return Ok(plan_named(subject.node.type_name, name)?),
            Self::File(file, import) => (file, import),
        };
        let name = file.display();
        ensure!(
            import.supports(mode),
            "`{name}` says nothing of {}",
            match mode {
                Mode::TensorParallel =>
                    "runs that keep the sequence whole: add --sequence-parallel",
                Mode::SequenceParallel => "sequence parallelism: leave out --sequence-parallel",
            }
        );
        let (plan, _) = plan_for(&mut import, subject.node, file)?;
        match Flow::of(plan).conflict(mode) {
            Some(conflict) => Err(anyhow!("`{name}`: {}", conflict.message().as_str())),
            None => Ok(plan),
        }
    }
}

/// The model that is asked for, or that a file names.
fn subject(arguments: &Arguments, sides: &[Side<'_>; 2]) -> Result<Subject> {
    if let Some(model) = &arguments.model {
        return Subject::of(model);
    }
    let named = sides.iter().find_map(|side| match side {
        Side::File(_, import) => import.architecture.as_deref(),
        Side::Named(_) => None,
    });
    let named = named.context("which model are the plans for? write --model MODEL")?;
    Subject::named(named)
}
