//! The program `tp` with Granite among its models.

use std::process::ExitCode;

// Links the model and its plan.
use granite as _;

fn main() -> ExitCode {
    tp_cli::main()
}
