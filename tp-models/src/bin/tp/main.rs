//! `tp`: looks at tensor-parallel plans and runs models under them.

mod explain;
mod output;
mod plans;

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
}

fn main() -> ExitCode {
    output::exit(run(Arguments::parse().command))
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Plans(arguments) => plans::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
    }
}
