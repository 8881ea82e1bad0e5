use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "lm_head" => Colwise(Replicate),
    "model.layers.*.mlp.up_proj" => Colwise(3),
    "model.layers.*.mlp.down_proj" => Rowwise(input = Replicate),
    "model.layers.*.self_attn.o_proj" => Rowwise(input: Replicate output: Replicate),
    "model.layers.*.self_attn.q_proj" => Colwise(input: ),
}

fn main() {}
