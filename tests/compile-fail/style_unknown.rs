use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "lm_head" => ColumnWise,
    "model.layers.*.mlp.up_proj" => ColwiseParallel,
    "model.layers.*.mlp.down_proj" => Rowise,
}

fn main() {}
