use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits the features of the MLP and forgets who reads them.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_head}" => _,
    "model.layers.*.mlp.{gate,up}_proj" => Colwise,
}

fn main() {}
