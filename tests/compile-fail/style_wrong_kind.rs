use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "model.norm" => Rowwise,
    "lm_head" => _ | SequenceParallel,
    "model.embed_tokens" => _ | RotaryEmbedParallel,
    "model.layers.*.mlp.{gate,up}_proj" => Colwise | VocabParallelEmbedding,
}

fn main() {}
