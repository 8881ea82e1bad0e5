use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "lm_head" => Colwise(output: Replicated),
    "model.layers.*.mlp.up_proj" => Colwise(output: Split(1)),
}

fn main() {}
