use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Says twice that the model stays whole.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_head}" => _,
    "model" => _,
}

fn main() {}
