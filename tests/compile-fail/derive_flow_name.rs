use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
#[flow(norm -> up_prj -> heads -> dropout -> +)]
struct Block {
    norm: RmsNorm,
    up_proj: Linear,
    #[module(skip)]
    heads: usize,
}

fn main() {}
