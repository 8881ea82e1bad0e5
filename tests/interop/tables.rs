//! Written by a test of this folder.

tp_runtime::tp_plan! {
    /// Imported.
    pub GEMMA3 for tp_models::gemma3::Gemma3ForCausalLM as "imported-GEMMA3";

    // module                                                                             tensor parallel        | with sequence parallelism
    "model.embed_tokens"                                                               => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"                                            => Colwise,
    "model.layers.*.self_attn.o_proj"                                                  => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.{gate,up}_proj"                                                => Colwise,
    "model.layers.*.mlp.down_proj"                                                     => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.{input,post_attention,pre_feedforward,post_feedforward}_layernorm" => _                      | SequenceParallel,
    "model.norm"                                                                       => _                      | SequenceParallel,
    "model.{rotary_emb,rotary_emb_local}"                                              => _                      | RotaryEmbedParallel,
    "lm_head"                                                                          => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub GEMMA3_CONDITIONAL for tp_models::gemma3_conditional::Gemma3ForConditionalGeneration as "imported-GEMMA3_CONDITIONAL";

    // module                                                                                            tensor parallel        | with sequence parallelism
    "model.vision_tower"                                                                              => _,
    "model.language_model.embed_tokens"                                                               => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.language_model.layers.*.self_attn.{q,k,v}_proj"                                            => Colwise,
    "model.language_model.layers.*.self_attn.o_proj"                                                  => Rowwise                | Rowwise(output: Shard(1)),
    "model.language_model.layers.*.mlp.{gate,up}_proj"                                                => Colwise,
    "model.language_model.layers.*.mlp.down_proj"                                                     => Rowwise                | Rowwise(output: Shard(1)),
    "model.language_model.layers.*.{input,post_attention,pre_feedforward,post_feedforward}_layernorm" => _                      | SequenceParallel,
    "model.language_model.norm"                                                                       => _                      | SequenceParallel,
    "model.language_model.{rotary_emb,rotary_emb_local}"                                              => _                      | RotaryEmbedParallel,
    "lm_head"                                                                                         => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub LLAMA for tp_models::llama::LlamaForCausalLM as "imported-LLAMA";

    // module                                            tensor parallel           | with sequence parallelism
    "model.embed_tokens"                              => Rowwise(input: Replicate) | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"           => Colwise,
    "model.layers.*.self_attn.o_proj"                 => Rowwise                   | Rowwise(output: Shard(1)),
    "model.layers.*.self_attn.qkv_proj?"              => Colwise,
    "model.layers.*.mlp.{gate,up}_proj"               => Colwise,
    "model.layers.*.mlp.down_proj"                    => Rowwise                   | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.gate_up_proj?"                => Colwise,
    "model.layers.*.{input,post_attention}_layernorm" => _                         | SequenceParallelAllGatherActivation,
    "model.norm"                                      => _                         | SequenceParallel,
    "lm_head"                                         => Colwise(local: false)     | Colwise(input: Shard(1), local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub LLAMA_CLASSIFIER for tp_models::llama_classifier::LlamaForSequenceClassification as "imported-LLAMA_CLASSIFIER";

    // module                                            tensor parallel        | with sequence parallelism
    "model.embed_tokens"                              => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"           => Colwise,
    "model.layers.*.self_attn.o_proj"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.{gate,up}_proj"               => Colwise,
    "model.layers.*.mlp.down_proj"                    => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.{input,post_attention}_layernorm" => _                      | SequenceParallelAllGatherActivation,
    "model.norm"                                      => _                      | SequenceParallel,
    "score"                                           => Colwise(output: Replicate),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub MINISTRAL3 for tp_models::ministral3::Ministral3ForCausalLM as "imported-MINISTRAL3";

    // module                                            tensor parallel        | with sequence parallelism
    "model.embed_tokens"                              => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"           => Colwise,
    "model.layers.*.self_attn.o_proj"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.{gate,up}_proj"               => Colwise,
    "model.layers.*.mlp.down_proj"                    => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.{input,post_attention}_layernorm" => _                      | SequenceParallelAllGatherActivation,
    "model.norm"                                      => _                      | SequenceParallel,
    "lm_head"                                         => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub MISTRAL3 for tp_models::mistral3::Mistral3ForConditionalGeneration as "imported-MISTRAL3";

    // module                                                 tensor parallel        | with sequence parallelism
    "model.{vision_tower,multi_modal_projector}"           => _,
    "model.language_model.embed_tokens"                    => VocabParallelEmbedding | VocabParallelEmbedding,
    "model.language_model.layers.*.self_attn.{q,k,v}_proj" => Colwise                | Colwise,
    "model.language_model.layers.*.self_attn.o_proj"       => Rowwise                | Rowwise,
    "model.language_model.layers.*.mlp.{gate,up}_proj"     => Colwise                | Colwise,
    "model.language_model.layers.*.mlp.down_proj"          => Rowwise                | Rowwise,
    "lm_head"                                              => Colwise(local: false)  | Colwise(local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub MISTRAL3_SEQUENCE_PARALLEL for tp_models::mistral3::Mistral3ForConditionalGeneration as "imported-MISTRAL3_SEQUENCE_PARALLEL";

    // module                                                           tensor parallel        | with sequence parallelism
    "model.{vision_tower,multi_modal_projector}"                     => _,
    "model.language_model.embed_tokens"                              => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.language_model.layers.*.self_attn.{q,k,v}_proj"           => Colwise,
    "model.language_model.layers.*.self_attn.o_proj"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.language_model.layers.*.mlp.{gate,up}_proj"               => Colwise,
    "model.language_model.layers.*.mlp.down_proj"                    => Rowwise                | Rowwise(output: Shard(1)),
    "model.language_model.layers.*.{input,post_attention}_layernorm" => _                      | SequenceParallelAllGatherActivation,
    "model.language_model.norm"                                      => _                      | SequenceParallel,
    "lm_head"                                                        => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub PHI3 for tp_models::phi3::Phi3ForCausalLM as "imported-PHI3";

    // module                              tensor parallel            | with sequence parallelism
    "model.embed_tokens"                => VocabParallelEmbedding     | VocabParallelEmbedding,
    "model.layers.*.self_attn.qkv_proj" => Rowwise(input: Replicate)  | Rowwise(input: Replicate),
    "model.layers.*.self_attn.o_proj"   => Colwise(output: Replicate) | Colwise(output: Replicate),
    "model.layers.*.mlp.gate_up_proj"   => Colwise(local: false)      | Colwise(local: false),
    "model.layers.*.mlp.down_proj"      => Rowwise                    | Rowwise,
    "lm_head"                           => Colwise(local: false)      | Colwise(local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub PHI3_FUSED for tp_models::phi3::Phi3ForCausalLM as "imported-PHI3_FUSED";

    // module                                            tensor parallel        | with sequence parallelism
    "model.embed_tokens"                              => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.qkv_proj"               => Colwise(segments: [q, k, v]),
    "model.layers.*.self_attn.o_proj"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.gate_up_proj"                 => Colwise(segments: [gate, up]),
    "model.layers.*.mlp.down_proj"                    => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.{input,post_attention}_layernorm" => _                      | SequenceParallelAllGatherActivation,
    "model.norm"                                      => _                      | SequenceParallel,
    "lm_head"                                         => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub PHI for tp_models::phi::PhiForCausalLM as "imported-PHI";

    // module                                  tensor parallel        | with sequence parallelism
    "model.embed_tokens"                    => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj" => Colwise,
    "model.layers.*.self_attn.dense"        => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.fc1"                => Colwise,
    "model.layers.*.mlp.fc2"                => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.input_layernorm"        => _                      | SequenceParallel,
    "model.final_layernorm"                 => _                      | SequenceParallel,
    "lm_head"                               => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub QWEN2 for tp_models::qwen2::Qwen2ForCausalLM as "imported-QWEN2";

    // module                                            tensor parallel        | with sequence parallelism
    "model.embed_tokens"                              => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"           => Colwise,
    "model.layers.*.self_attn.o_proj"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.self_attn.qkv_proj?"              => Colwise,
    "model.layers.*.mlp.{gate,up}_proj"               => Colwise,
    "model.layers.*.mlp.down_proj"                    => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.gate_up_proj?"                => Colwise,
    "model.layers.*.{input,post_attention}_layernorm" => _                      | SequenceParallelAllGatherActivation,
    "model.norm"                                      => _                      | SequenceParallel,
    "lm_head"                                         => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub QWEN2_CLASSIFIER for tp_models::qwen2_classifier::Qwen2ForSequenceClassification as "imported-QWEN2_CLASSIFIER";

    // module                                            tensor parallel        | with sequence parallelism
    "model.embed_tokens"                              => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"           => Colwise,
    "model.layers.*.self_attn.o_proj"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.self_attn.qkv_proj?"              => Colwise,
    "model.layers.*.mlp.{gate,up}_proj"               => Colwise,
    "model.layers.*.mlp.down_proj"                    => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.gate_up_proj?"                => Colwise,
    "model.layers.*.{input,post_attention}_layernorm" => _                      | SequenceParallelAllGatherActivation,
    "model.norm"                                      => _                      | SequenceParallel,
    "score"                                           => Colwise(output: Replicate),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub QWEN3 for tp_models::qwen3::Qwen3ForCausalLM as "imported-QWEN3";

    // module                                            tensor parallel        | with sequence parallelism
    "model.embed_tokens"                              => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"           => Colwise,
    "model.layers.*.self_attn.o_proj"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.self_attn.qkv_proj?"              => Colwise,
    "model.layers.*.mlp.{gate,up}_proj"               => Colwise,
    "model.layers.*.mlp.down_proj"                    => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.gate_up_proj?"                => Colwise,
    "model.layers.*.{input,post_attention}_layernorm" => _                      | SequenceParallelAllGatherActivation,
    "model.norm"                                      => _                      | SequenceParallel,
    "lm_head"                                         => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_runtime::tp_plan! {
    /// Imported.
    pub QWEN3_CLASSIFIER for tp_models::qwen3_classifier::Qwen3ForSequenceClassification as "imported-QWEN3_CLASSIFIER";

    // module                                            tensor parallel        | with sequence parallelism
    "model.embed_tokens"                              => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.self_attn.{q,k,v}_proj"           => Colwise,
    "model.layers.*.self_attn.o_proj"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.self_attn.qkv_proj?"              => Colwise,
    "model.layers.*.mlp.{gate,up}_proj"               => Colwise,
    "model.layers.*.mlp.down_proj"                    => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.gate_up_proj?"                => Colwise,
    "model.layers.*.{input,post_attention}_layernorm" => _                      | SequenceParallelAllGatherActivation,
    "model.norm"                                      => _                      | SequenceParallel,
    "score"                                           => Colwise(output: Replicate),
}
