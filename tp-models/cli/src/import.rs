//! `tp import`: a plan of another program as a table.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tp_runtime::interop::{Columns, Fit, Import, InteropError, PlanSource};
use tp_runtime::model::model_for;
use tp_runtime::plan::check::{Flow, faults};
use tp_runtime::plan::{self, Mode, Node, Plan};

use super::model::Subject;
use super::output::{note, print};

/// Print a plan of transformers or PyTorch as a `tp_plan!` table
///
/// FILE is a config.json with `base_model_tp_plan` or `_tp_plan`, its own or in `text_config`; a JSON object of patterns and styles,
/// in the words of transformers ("colwise") or as Python calls ("ColwiseParallel(output_layouts=Replicate())");
/// or two such columns as `tp plans --json` writes them, {"tp": {...}, "sp": {...}}. With the model known, the
/// table names its type and its modules in full, and what FILE does not name is `_`. Nothing is
/// guessed: a style that has no equivalent is an error. `PrepareModuleInput` and its like are no rows, and named
/// on stderr: layers redistribute what they read by themselves.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tp import config.json
  tp import plan.json --model LlamaForCausalLM --name MY_LLAMA")]
pub(crate) struct Arguments {
    /// The plan
    file: PathBuf,

    /// The model it is for: its architecture, or a folder, a config.json or a name on the hub (`org/name`) that tells it
    #[arg(long, value_name = "ARCHITECTURE")]
    model: Option<String>,

    /// The table's name
    #[arg(long, value_name = "NAME", default_value = "IMPORTED", value_parser = constant)]
    name: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let file = &arguments.file;
    let mut import = read(file)?;
    let model = match (&arguments.model, &import.architecture) {
        (Some(model), _) => Some(Subject::of(model)?.node),
        (None, Some(architecture)) => model_for(architecture).ok().map(|entry| entry.node()),
        (None, None) => None,
    };
    match model {
        Some(model) => {
            let (plan, fit) = plan_for(&mut import, model, file)?;
            remarks(&import, &fit, plan);
        }
        None => note(
            "the model is not known: replace `YourModel`, and write `\"module\" => _` for each linear layer and embedding that stays whole; --model does both",
        ),
    }
    for skipped in &import.skipped {
        note(skipped);
    }
    let has_default = model.is_some_and(|model| {
        let default = |plan: &&Plan| plan.alternate.is_none();
        let mut plans = plan::plans().into_iter().filter(default);
        plans.any(|plan| plan.node.type_path == model.type_path)
    });
    let alternate = arguments.name.to_lowercase().replace('_', "-");
    print(PlanSource {
        import: &import,
        model,
        name: &arguments.name,
        alternate: has_default.then_some(alternate.as_str()),
        doc: &format!("Imported from `{}`.", file_name(file)),
    })
}

/// The plan that a file gives.
pub(crate) fn read(file: &Path) -> Result<Import> {
    Import::read(file).map_err(|error| match error {
        // These name the file themselves.
        InteropError::Io { .. } | InteropError::Json { .. } => error.into(),
        _ => anyhow::Error::new(error).context(format!("`{}`", file.display())),
    })
}

/// The plan that an import makes for a model, and where its rows came to stand.
///
/// # Errors
/// When a row does not fit the model; all such rows are named.
pub(crate) fn plan_for(
    import: &mut Import,
    model: &'static Node,
    file: &Path,
) -> Result<(&'static Plan, Fit)> {
    let in_file = || format!("`{}`", file.display());
    let fit = import.fit(model).with_context(in_file)?;
    let plan = import.plan(model, file_name(file));
    let messages = faults(plan);
    if !messages.is_empty() {
        return Err(InteropError::Rows { messages }).with_context(in_file);
    }
    Ok((plan, fit))
}

/// What a person should know of a table before it is taken over.
fn remarks(import: &Import, fit: &Fit, plan: &'static Plan) {
    let model = plan.model();
    if !fit.prefix.is_empty() {
        note(&format!(
            "the patterns start from \"{}\" of {model}",
            fit.prefix
        ));
    }
    for pattern in &fit.nameless {
        note(&format!(
            "{model} has no module \"{pattern}\": its row may match nothing (`?`), remove it if it is a mistake"
        ));
    }
    if !fit.whole.is_empty() {
        note(&format!(
            "the plan says nothing of \"{}\": whole on every rank (`_`)",
            fit.whole.join("\", \"")
        ));
    }
    if import.columns == Columns::SequenceParallel {
        note(
            "the plan splits the sequence: it is the right column, and the left one is `_` throughout",
        );
    }
    let flow = Flow::of(plan);
    if let Some(conflict) = Mode::ALL.into_iter().find_map(|mode| flow.conflict(mode)) {
        note(&format!(
            "the table does not compile as it is: {}",
            conflict.message().as_str()
        ));
    }
}

fn file_name(file: &Path) -> &str {
    file.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("a file")
}

/// The name of a Rust constant.
fn constant(text: &str) -> Result<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    ensure!(
        text.chars().all(is_part) && text.starts_with(|c: char| c.is_ascii_alphabetic()),
        "a table is a constant: write letters, digits and `_`, such as `MY_LLAMA`"
    );
    Ok(text.to_owned())
}
