use tp_models::LlamaForCausalLM;
use tp_models::llama::LLAMA;
use tp_runtime::tp_plan;

tp_plan! {
    /// A row with nothing to take back, one that does, and one that names nothing.
    pub PLAN for LlamaForCausalLM as "rotary", from LLAMA;
    "model.rotary_emb" => _,
    "lm_head" => _,
    "model.layers.*.mlp.up_prj" => Colwise,
}

fn main() {}
