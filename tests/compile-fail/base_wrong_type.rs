use tp_models::LlamaForCausalLM;
use tp_models::llama::{LLAMA, LlamaModel};
use tp_runtime::tp_plan;

tp_plan! {
    /// The decoder, from a plan for more than that.
    pub BACKBONE for LlamaModel as "backbone", from LLAMA;
    "layers.*.mlp.down_proj" => Rowwise,
}

tp_plan! {
    /// From itself.
    pub CIRCLE for LlamaForCausalLM as "circle", from CIRCLE;
    "lm_head" => _,
}

fn main() {}
