//! A Llama of shapes, with the plan that Python's tables have for it.

use tp_runtime::Module;
use tp_runtime::module::{self, NamedLayer};
use tp_runtime::nn::{Embedding, Linear, LinearShape, RmsNorm};

#[derive(Module)]
pub struct Attention {
    pub q_proj: Linear,
    pub k_proj: Linear,
    pub v_proj: Linear,
    pub qkv_proj: Option<Linear>,
    pub o_proj: Linear,
}

#[derive(Module)]
pub struct Mlp {
    pub gate_proj: Linear,
    pub up_proj: Linear,
    pub gate_up_proj: Option<Linear>,
    pub down_proj: Linear,
}

#[derive(Module)]
#[flow(input_layernorm -> self_attn -> + -> post_attention_layernorm -> mlp -> +)]
pub struct DecoderLayer {
    pub self_attn: Attention,
    pub mlp: Mlp,
    pub input_layernorm: RmsNorm,
    pub post_attention_layernorm: RmsNorm,
}

#[derive(Module)]
pub struct LlamaModel {
    pub embed_tokens: Embedding,
    pub layers: Vec<DecoderLayer>,
    pub norm: RmsNorm,
}

#[derive(Module)]
pub struct LlamaForCausalLM {
    pub model: LlamaModel,
    pub lm_head: Linear,
}
