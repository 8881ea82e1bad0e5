//! `tp`: looks at tensor-parallel plans and runs models under them.

#[cfg(feature = "torch")]
mod eval;
mod explain;
#[cfg(feature = "torch")]
mod generate;
mod model;
mod output;
mod plans;
#[cfg(feature = "torch")]
mod ranks;
#[cfg(feature = "torch")]
mod text;
#[cfg(feature = "torch")]
mod train;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
// Links the models and their plans.
use tp_models as _;

/// Tensor-parallel plans for transformers: what they do, and models run under them.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plans(plans::Arguments),
    Explain(explain::Arguments),
    #[cfg(feature = "torch")]
    Eval(eval::Arguments),
    #[cfg(feature = "torch")]
    Generate(generate::Arguments),
    #[cfg(feature = "torch")]
    Train(train::Arguments),
}

fn main() -> ExitCode {
    output::exit(run(Arguments::parse().command))
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Plans(arguments) => plans::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        #[cfg(feature = "torch")]
        Command::Eval(arguments) => eval::run(&arguments),
        #[cfg(feature = "torch")]
        Command::Generate(arguments) => generate::run(&arguments),
        #[cfg(feature = "torch")]
        Command::Train(arguments) => train::run(&arguments),
    }
}
