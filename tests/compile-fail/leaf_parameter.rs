use tp_runtime::leaf;
use tp_runtime::module::{ParallelContext, Param};
use tp_runtime::plan::ModuleKind;

/// A linear layer with a parameter of which the rules of linear layers say nothing.
struct Adapter {
    weight: Param,
    lora_a: Param,
    context: ParallelContext,
}

leaf!(Adapter, ModuleKind::Linear, [weight, lora_a: "lora_A"]);

fn main() {}
