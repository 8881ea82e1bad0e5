use tp_runtime::Module;
use tp_runtime::nn::{Linear, RmsNorm};

#[derive(Module)]
struct Block(Linear, RmsNorm);

fn main() {}
