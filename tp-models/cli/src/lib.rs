//! The program `tp`: looks at tensor-parallel plans and runs models under them.
//!
//! It knows the models of `tp-models` and of every crate linked into it. A crate with models of its own has the program
//! run them, too, with a `main` of one line:
//!
//! ```no_run
//! # mod my_models {}
//! use std::process::ExitCode;
//!
//! // Links the models and their plans.
//! use my_models as _;
//!
//! fn main() -> ExitCode {
//!     tp_cli::main()
//! }
//! ```
//!
//! Without its default feature `torch` it has the commands that read no weights, and needs no libtorch.

#[cfg(feature = "torch")]
mod batch;
#[cfg(feature = "torch")]
mod data;
mod diff;
#[cfg(feature = "torch")]
mod eval;
mod explain;
#[cfg(feature = "torch")]
mod generate;
mod hub;
#[cfg(feature = "torch")]
mod images;
mod import;
#[cfg(feature = "torch")]
mod merge;
mod model;
mod numbers;
mod output;
mod plans;
#[cfg(feature = "torch")]
mod ranks;
mod report;
mod stages;
#[cfg(feature = "torch")]
mod text;
#[cfg(feature = "torch")]
mod train;
mod training;

use std::process::ExitCode;

use anyhow::Result;
#[cfg(feature = "torch")]
use clap::{CommandFactory, FromArgMatches};
use clap::{Parser, Subcommand};
// Links the models and their plans.
use tp_models as _;

#[cfg(feature = "torch")]
use train::job_file;

#[cfg(feature = "torch")]
pub use text::tokenizer;

/// Tensor-parallel plans for transformers: what they do, and models run under them.
#[derive(Parser)]
#[command(name = "tp", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plans(plans::Arguments),
    Explain(explain::Arguments),
    Import(import::Arguments),
    Diff(diff::Arguments),
    Report(report::Arguments),
    #[cfg(feature = "torch")]
    Eval(eval::Arguments),
    #[cfg(feature = "torch")]
    Generate(generate::Arguments),
    #[cfg(feature = "torch")]
    Train(Box<train::Arguments>),
    #[cfg(feature = "torch")]
    Data(data::Arguments),
    #[cfg(feature = "torch")]
    Merge(merge::Arguments),
}

/// Does what the command line of this process says, and gives the exit code.
pub fn main() -> ExitCode {
    match command_line() {
        Ok(command) => {
            let trouble = command.trouble();
            output::exit(run(command), trouble)
        }
        Err(error) => output::exit(Err(error), ExitCode::from(2)),
    }
}

/// What the command line says, and the job file that it may name.
#[cfg(feature = "torch")]
fn command_line() -> Result<Command> {
    let tp = Arguments::command();
    let train = tp.find_subcommand("train").cloned().unwrap_or_default();
    let arguments = job_file::expand(std::env::args_os().collect(), &train)?;
    let matches = tp.get_matches_from(arguments);
    let mut command = Arguments::from_arg_matches(&matches)?.command;
    if let (Command::Train(args), Some((_, given))) = (&mut command, matches.subcommand()) {
        args.job = job_file::written(&train, given)?;
    }
    Ok(command)
}

/// What the command line says.
#[cfg(not(feature = "torch"))]
fn command_line() -> Result<Command> {
    Ok(Arguments::parse().command)
}

impl Command {
    /// The exit code of an error: where 1 means that plans differ, it is another, as `diff` has it.
    fn trouble(&self) -> ExitCode {
        match self {
            Self::Plans(_) | Self::Import(_) | Self::Diff(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Plans(arguments) => plans::run(&arguments)?,
        Command::Explain(arguments) => explain::run(&arguments)?,
        Command::Import(arguments) => import::run(&arguments)?,
        Command::Diff(arguments) => return diff::run(&arguments),
        Command::Report(arguments) => report::run(&arguments)?,
        #[cfg(feature = "torch")]
        Command::Eval(arguments) => eval::run(&arguments)?,
        #[cfg(feature = "torch")]
        Command::Generate(arguments) => generate::run(&arguments)?,
        #[cfg(feature = "torch")]
        Command::Train(arguments) => return train::run(*arguments),
        #[cfg(feature = "torch")]
        Command::Data(arguments) => data::run(&arguments)?,
        #[cfg(feature = "torch")]
        Command::Merge(arguments) => merge::run(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
