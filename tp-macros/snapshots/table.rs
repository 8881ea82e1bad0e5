/// Attention by heads, MLP by columns.
pub LLAMA for LlamaForCausalLM;

"model.embed_tokens"             => Rowwise(input: Replicate) | VocabParallelEmbedding(output: Shard(1)),
"model.layers.*.mlp.{gate,up}_proj" => Colwise,
"model.layers.*.mlp.gate_up_proj?"  => Colwise,
"model.layers.*.self_attn.qkv_proj" => Colwise(local: false, segments: [q, k, v]),
"model.norm"                     => _ | SequenceParallel(sequence: Shard(1)),
"lm_head"                        => Colwise(local: false) | Colwise(local: false, input: Shard(1)),
