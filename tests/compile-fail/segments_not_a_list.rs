use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "model.layers.*.self_attn.q_proj" => Colwise(segments: q),
    "model.layers.*.self_attn.k_proj" => Colwise(segments: []),
    "model.layers.*.self_attn.v_proj" => Colwise(segments: ["v"]),
    "model.layers.*.mlp.up_proj" => Colwise(segments: [gate, up, gate]),
    "model.layers.*.mlp.down_proj" => Rowwise(segments: [down]),
}

fn main() {}
