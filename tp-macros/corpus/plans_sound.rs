// Tables that expand without a word. Each stands in braces.
{ pub LLAMA for LlamaForCausalLM; "lm_head" => Colwise }
{ A for b::C; "x" => _, }
{
    /// Doc.
    #[doc(hidden)]
    pub(crate) PLAN for crate::models::Model<T>;
    "model.embed_tokens" => Rowwise(input: Replicate) | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.mlp.{gate,up}_proj" => Colwise,
    "model.layers.0.mlp.down_proj" => Rowwise | Rowwise(output: Shard(1)),
    "model.layers.*.self_attn.qkv_proj?" => Colwise(segments: [q, k, v], local: false),
    "model.norm" => _ | SequenceParallel(sequence: Shard(1)),
    "model.{vision_tower,projector}" => _,
    "rotary-emb" => _ | RotaryEmbedParallel,
    "lm_head" => Colwise(local: false) | Colwise(input: Shard(1), local: false),
}
{ pub B for M as "heads-only", from other_crate::plans::LLAMA; "lm_head" => _ }
{ pub C for M as "included"; "model" => include other::BACKBONE, "head" => Colwise(output: Shard(-1)) }
{ pub r#type for M; "überblick.*.größe" => Colwise }
{ pub D for M; r"raw" => Colwise, r#"hash"# => Rowwise(input: Replicate) }
