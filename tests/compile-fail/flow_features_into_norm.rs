use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Gives the norms a share of the hidden size.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_head}" => _,
    "model.embed_tokens" => Colwise,
}

fn main() {}
