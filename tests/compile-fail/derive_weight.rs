use tp_runtime::Module;
use tp_runtime::nn::Linear;

#[derive(Module)]
struct Mlp {
    #[module(weight = intermediate_size)]
    up_proj: Linear,
    #[module(weight = ["intermediate_size", hidden_size])]
    gate_proj: Linear,
    #[module(weight)]
    down_proj: Linear,
    #[module(weight = [a, b], weight = [a, b])]
    out_proj: Linear,
}

fn main() {}
