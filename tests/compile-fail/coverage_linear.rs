use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Forgets one of two.
    pub PLAN for LlamaForCausalLM;
    "model" => _,
}

fn main() {}
