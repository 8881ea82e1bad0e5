use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Forgets the embedding.
    pub PLAN for LlamaForCausalLM;
    "{model.layers,lm_head}" => _,
}

fn main() {}
