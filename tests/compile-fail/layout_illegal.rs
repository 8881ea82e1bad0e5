use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Splits some of Llama.
    pub PLAN for LlamaForCausalLM;
    "lm_head" => Colwise(input: Partial),
    "model.layers.*.mlp.down_proj" => Rowwise(output: Shard(-1)),
    "model.embed_tokens" => VocabParallelEmbedding(input: Shard(1)),
    "model.norm" => _ | SequenceParallel(sequence: Shard(0)),
}

fn main() {}
