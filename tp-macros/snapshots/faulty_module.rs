#[derive(Module)]
struct Block(Linear, RmsNorm);
