//! Legal plans that no one would ship: other sides of every layer, with and without sequence parallelism.

use tp_models::LlamaForCausalLM;
use tp_runtime::plan::Plan;
use tp_runtime::tp_plan;

/// All of them.
pub const ALL: [&Plan; 8] = [
    &MLP,
    &ATTENTION,
    &COLUMNS,
    &ROWS,
    &GATHERED,
    &BARE_NORMS,
    &ONE_LAYER,
    &HEAD,
];

tp_plan! {
    /// Only the MLP is split, the activations between blocks over the sequence where asked.
    pub MLP for LlamaForCausalLM as "mlp";
    "model.layers.*.self_attn"                => _,
    "lm_head"                                 => _,
    "model.embed_tokens"                      => _                           | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.input_layernorm"          => _                           | SequenceParallelAllGatherActivation,
    "model.layers.*.self_attn.o_proj"         => _                           | Rowwise(input: Replicate, output: Shard(1)),
    "model.layers.*.mlp.{gate,up}_proj"       => Colwise,
    "model.layers.*.mlp.down_proj"            => Rowwise                     | Rowwise(output: Shard(1)),
}

tp_plan! {
    /// Only attention is split; the MLP runs whole, on a share of the sequence where there is one.
    pub ATTENTION for LlamaForCausalLM as "attention";
    "model.layers.*.mlp"                      => _,
    "lm_head"                                 => _,
    "model.embed_tokens"                      => Colwise(output: Replicate)  | Rowwise(input: Replicate, output: Shard(1)),
    "model.layers.*.post_attention_layernorm" => _                           | SequenceParallel,
    "model.layers.*.self_attn.{q,k,v}_proj"   => Colwise,
    "model.layers.*.self_attn.o_proj"         => Rowwise                     | Rowwise(output: Shard(1)),
    "model.norm"                              => _                           | SequenceParallelAllGatherActivation,
}

tp_plan! {
    /// Columns everywhere, each gathered at once.
    pub COLUMNS for LlamaForCausalLM as "columns";
    "model.embed_tokens"                      => Colwise(output: Replicate),
    "model.layers.*.self_attn.{q,k,v,o}_proj" => Colwise(output: Replicate),
    "model.layers.*.mlp.{gate,up,down}_proj"  => Colwise(output: Replicate),
    "lm_head"                                 => Colwise(output: Replicate),
}

tp_plan! {
    /// Rows everywhere, from whole activations, or gathered ones.
    pub ROWS for LlamaForCausalLM as "rows";
    "model.embed_tokens"                      => Rowwise(input: Replicate)   | Rowwise(input: Replicate, output: Shard(1)),
    "model.layers.*.input_layernorm"          => _                           | SequenceParallelAllGatherActivation,
    "model.layers.*.self_attn.{q,k,v}_proj"   => Rowwise(input: Replicate),
    "model.layers.*.self_attn.o_proj"         => Rowwise(input: Replicate)   | Rowwise(input: Replicate, output: Shard(1)),
    "model.layers.*.post_attention_layernorm" => _                           | SequenceParallelAllGatherActivation,
    "model.layers.*.mlp.{gate,up}_proj"       => Rowwise(input: Replicate),
    "model.layers.*.mlp.down_proj"            => Rowwise(input: Replicate)   | Rowwise(input: Replicate, output: Shard(1)),
    "model.norm"                              => _                           | SequenceParallelAllGatherActivation,
    "lm_head"                                 => Rowwise(input: Replicate),
}

tp_plan! {
    /// Columns gathered before rows that split them again.
    pub GATHERED for LlamaForCausalLM as "gathered";
    "model.embed_tokens"                      => VocabParallelEmbedding      | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"   => Colwise(output: Replicate)  | Colwise(input: Shard(1), output: Replicate),
    "model.layers.*.self_attn.o_proj"         => Rowwise(input: Replicate)   | Rowwise(input: Replicate, output: Shard(1)),
    "model.layers.*.mlp.{gate,up}_proj"       => Colwise(output: Replicate)  | Colwise(input: Shard(1), output: Replicate),
    "model.layers.*.mlp.down_proj"            => Rowwise(input: Replicate)   | Rowwise(input: Replicate, output: Shard(1)),
    "lm_head"                                 => _                           | Colwise(input: Shard(1), output: Replicate),
}

tp_plan! {
    /// Norms without a row, on shares of the sequence; logits split over the sequence, or the vocabulary.
    pub BARE_NORMS for LlamaForCausalLM as "bare norms";
    "model.embed_tokens"                      => _                           | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"   => Colwise                     | Colwise(input: Shard(1)),
    "model.layers.*.self_attn.o_proj"         => Rowwise                     | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.{gate,up}_proj"       => Colwise                     | Colwise(input: Shard(1)),
    "model.layers.*.mlp.down_proj"            => Rowwise                     | Rowwise(output: Shard(1)),
    "lm_head"                                 => Colwise                     | _,
}

tp_plan! {
    /// One layer split, the other whole; the head's sums scattered over the sequence.
    pub ONE_LAYER for LlamaForCausalLM as "one layer";
    "model"                                   => _,
    "model.layers.0.self_attn.{q,k,v}_proj"   => Colwise,
    "model.layers.0.self_attn.o_proj"         => Rowwise,
    "model.layers.1.mlp.{gate,up}_proj"       => Colwise,
    "model.layers.1.mlp.down_proj"            => Rowwise,
    "lm_head"                                 => Rowwise(input: Replicate)   | Rowwise(input: Replicate, output: Shard(1)),
}

tp_plan! {
    /// Only the head is split.
    pub HEAD for LlamaForCausalLM as "head";
    "model"                                   => _,
    "lm_head"                                 => Colwise                     | Colwise(output: Replicate),
}
