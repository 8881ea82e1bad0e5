use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "model.layers.*.self_attn.v_proj" => Colwise(output: Replicate, segments: [v]),
}

fn main() {}
