use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Columns of what is split by columns.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_head}" => _,
    "model.layers.*.mlp.{gate,up}_proj" => Colwise,
    "model.layers.*.mlp.down_proj" => Colwise(output: Replicate),
}

fn main() {}
