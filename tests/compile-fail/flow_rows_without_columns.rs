use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits what `o_proj` reads, which nothing before it splits.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_head}" => _,
    "model.layers.*.self_attn.{q,k,v}_proj" => Colwise(output: Replicate),
    "model.layers.*.self_attn.o_proj" => Rowwise,
}

fn main() {}
