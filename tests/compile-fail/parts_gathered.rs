use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "model.layers.*.self_attn.k_proj" => Colwise(share_heads: true, output: Replicate),
    "model.layers.*.self_attn.v_proj" => Colwise(output: Replicate, segments: [v]),
    "model.layers.*.self_attn.q_proj" => Colwise(output: Replicate, share_heads: false),
}

fn main() {}
