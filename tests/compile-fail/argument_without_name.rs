use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "lm_head" => Colwise(Replicate),
    "model.layers.*.mlp.up_proj" => Colwise(3),
}

fn main() {}
