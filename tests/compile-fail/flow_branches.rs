use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits the heads of keys and values, and no queries.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_head}" => _,
    "model.layers.*.self_attn.{k,v}_proj" => Colwise,
}

fn main() {}
