use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
enum Block {
    Attention(Linear),
    Norm(RmsNorm),
}

fn main() {}
