use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
#[flow(norm -> up_proj)]
#[flow(up_proj -> norm)]
struct Block {
    #[module(rename = "ln")]
    #[module(rename = "ln_1")]
    norm: RmsNorm,
    up_proj: Linear,
}

fn main() {}
