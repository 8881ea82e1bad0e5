use tp_models::LlamaForCausalLM;
use tp_models::llama::LLAMA;
use tp_runtime::tp_plan;

tp_plan! {
    /// Not said what it starts from.
    pub UNNAMED for LlamaForCausalLM as "unnamed", of LLAMA;
    "lm_head" => Colwise,
}

tp_plan! {
    /// A second default.
    pub DEFAULT for LlamaForCausalLM, from LLAMA;
    "lm_head" => Colwise,
}

fn main() {}
