use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "model.layers.*.mlp.{gate,up_proj" => Colwise,
}

fn main() {}
