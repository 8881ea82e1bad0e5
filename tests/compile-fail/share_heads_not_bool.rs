use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "model.layers.*.self_attn.k_proj" => Colwise(share_heads: 2),
    "model.layers.*.self_attn.v_proj" => Colwise(share_head: true),
}

fn main() {}
