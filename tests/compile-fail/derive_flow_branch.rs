use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
#[flow((q_proj, q_norm) -> o_proj)]
struct Attention {
    q_proj: Linear,
    q_norm: RmsNorm,
    o_proj: Linear,
}

fn main() {}
