use tp_runtime::nn::{Linear, RmsNorm};
use tp_runtime::{Module, tp_plan};

#[derive(Module)]
struct Plain {
    proj: Linear,
}

#[derive(Module)]
struct Normed {
    norm: RmsNorm,
    proj: Linear,
}

#[derive(Module)]
struct Stack<B: Module> {
    blocks: Vec<B>,
}

#[derive(Module)]
struct Model {
    first: Stack<Plain>,
    second: Stack<Normed>,
}

tp_plan! {
    /// For a stack of one kind of block.
    PLAIN for Stack<Plain>;
    "blocks.*.proj" => Colwise,
}

tp_plan! {
    /// One stack is another.
    MODEL for Model;
    "first" => include PLAIN,
    "second" => include PLAIN,
}

fn main() {}
