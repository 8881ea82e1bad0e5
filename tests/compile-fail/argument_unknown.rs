use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "lm_head" => Colwise(ouput: Replicate),
    "model.layers.*.self_attn.o_proj" => Rowwise(output_layouts: Replicate),
    "model.layers.*.mlp.down_proj" => Rowwise(bias: true),
}

fn main() {}
