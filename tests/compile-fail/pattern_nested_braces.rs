use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "model.layers.*.{self_attn.{q,k}_proj,mlp.up_proj}" => Colwise,
}

fn main() {}
