use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Keeps whole what is not there.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_haed}" => _,
    "model.layers.*.attention" => _,
}

fn main() {}
