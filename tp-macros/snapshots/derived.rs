/// Llama without splitting its head.
pub WHOLE_HEAD for LlamaForCausalLM as "whole head", from other_crate::LLAMA;

"lm_head" => _,
