use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
struct Block {
    up_proj: Linear,
    norm: RmsNorm,
    heads: usize,
}

fn main() {}
