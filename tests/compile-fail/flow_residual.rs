use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Adds whole activations to a share of the sequence.
    pub PLAN for LlamaForCausalLM;
    "{model,lm_head}" => _,
    "model.embed_tokens" => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj" => Colwise | Colwise(input: Shard(1)),
    "model.layers.*.self_attn.o_proj" => Rowwise,
}

fn main() {}
