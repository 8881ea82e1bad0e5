use tp_models::LlamaForCausalLM;
use tp_models::llama::LlamaModel;
use tp_runtime::tp_plan;

tp_plan! {
    /// The decoder's part.
    pub BACKBONE for LlamaModel;
    "{embed_tokens,layers}" => _,
    "layers.*.mlp.{gate,up}_proj" => Colwise,
    "layers.*.mlp.down_proj" => Rowwise,
}

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "lm_head" => _,
    "model" => include BACKBONE,
    "model.layers.*.mlp.up_proj" => Colwise,
    "model.layers.0.mlp.down_proj" => Rowwise,
}

fn main() {}
