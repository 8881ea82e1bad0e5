use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
struct Block {
    #[module(rename = "mlp.up")]
    up_proj: Linear,
    #[module(rename = 0)]
    norm: RmsNorm,
    #[module(skip, rename = "heads")]
    heads: usize,
}

fn main() {}
