//! The program `tp` with this model among its own: `cargo run -p fused-mlp -- explain examples/fused-mlp --tp 2`

use std::process::ExitCode;

// Links the model and its plan.
use fused_mlp as _;

fn main() -> ExitCode {
    tp_cli::main()
}
