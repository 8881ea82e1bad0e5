use tp_models::LlamaForCausalLM;
use tp_models::llama::LLAMA;
use tp_runtime::tp_plan;

tp_plan! {
    /// Takes back one half of each MLP.
    pub PLAN for LlamaForCausalLM as "half", from LLAMA;
    "model.layers.*.mlp.{gate,up}_proj" => _,
}

fn main() {}
