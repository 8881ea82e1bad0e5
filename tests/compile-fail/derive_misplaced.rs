use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
#[module(skip)]
struct Block {
    #[flow(norm -> up_proj)]
    norm: RmsNorm,
    up_proj: Linear,
}

fn main() {}
