use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Only the MLPs.
    pub MLP for LlamaForCausalLM as "mlp";
    "{model,lm_head}" => _,
    "model.layers.*.mlp.{gate,up}_proj" => Colwise,
    "model.layers.*.mlp.down_proj" => Rowwise,
}

tp_plan! {
    /// Nothing to take back, nothing that the base has not, and something.
    pub PLAN for LlamaForCausalLM as "none", from MLP;
    "model.layers.*.self_attn" => _,
    "lm_head" => _,
    "model.layers.*.mlp" => _,
}

fn main() {}
