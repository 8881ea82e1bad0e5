use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
struct Block {
    #[module(name = "up")]
    up_proj: Linear,
    #[module(ignore)]
    norm: RmsNorm,
}

fn main() {}
