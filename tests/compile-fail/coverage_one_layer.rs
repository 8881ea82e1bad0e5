use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Says of one layer what is meant of all.
    pub PLAN for LlamaForCausalLM;
    "{model.embed_tokens,lm_head}" => _,
    "model.layers.*.self_attn" => _,
    "model.layers.0.mlp" => _,
}

fn main() {}
