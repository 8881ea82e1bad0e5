use tp_models::LlamaForCausalLM;
use tp_runtime::tp_plan;

tp_plan! {
    /// Forgets attention, and the head.
    pub PLAN for LlamaForCausalLM;
    "model.embed_tokens" => VocabParallelEmbedding,
    "model.layers.*.mlp.{gate,up}_proj" => Colwise,
    "model.layers.*.mlp.down_proj" => Rowwise,
}

fn main() {}
