use tp_models::LlamaForCausalLM;
use tp_models::llama::LLAMA;
use tp_runtime::tp_plan;

tp_plan! {
    /// Changes one layer in a way that does not fit the others.
    pub PLAN for LlamaForCausalLM as "one layer", from LLAMA;
    "model.layers.3.mlp.down_proj" => Colwise,
}

fn main() {}
