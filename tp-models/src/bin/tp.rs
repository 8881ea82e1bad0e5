//! The program `tp` with the models of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    tp_models::program::main()
}
