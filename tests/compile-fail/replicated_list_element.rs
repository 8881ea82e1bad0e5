use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Keeps whole what is no list.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_head}" => _,
    "model.norm.*" => _,
}

fn main() {}
