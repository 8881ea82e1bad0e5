use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "model.norm" => _ | SequenceParallel(output: Replicate),
    "lm_head" => Colwise(sequence: Shard(1)),
}

fn main() {}
