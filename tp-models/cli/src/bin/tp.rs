//! The program `tp` with the models of `tp-models`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tp_cli::main()
}
