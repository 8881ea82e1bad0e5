use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
struct Block {
    norm: RmsNorm,
    #[module(rename = "norm")]
    up_proj: Linear,
}

fn main() {}
