//! The program `tp`: run, train and explain tensor-parallel models.

#[cfg(feature = "torch")]
mod eval;
#[cfg(feature = "torch")]
mod generate;
#[cfg(feature = "torch")]
mod ranks;
#[cfg(feature = "torch")]
mod text;
#[cfg(feature = "torch")]
mod train;

use clap::{Parser, Subcommand};
use tp_models as _;

#[derive(Parser)]
#[command(version, about = "Run, train and explain tensor-parallel models")]
struct Tp {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[cfg(feature = "torch")]
    Eval(eval::EvalArgs),
    #[cfg(feature = "torch")]
    Generate(generate::GenerateArgs),
    #[cfg(feature = "torch")]
    Train(train::TrainArgs),
}

fn main() -> std::process::ExitCode {
    let outcome = match &Tp::parse().command {
        #[cfg(feature = "torch")]
        Command::Eval(args) => eval::run(args),
        #[cfg(feature = "torch")]
        Command::Generate(args) => generate::run(args),
        #[cfg(feature = "torch")]
        Command::Train(args) => train::run(args),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
