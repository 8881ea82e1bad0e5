"""The models that are timed, as texts of config.json and shapes of batches."""
from dataclasses import dataclass


@dataclass
class Model:
    config: dict
    batch: int
    sequence: int = 128

    @property
    def is_llama(self) -> bool:
        return self.config["model_type"] == "llama"


def config(architecture: str, model_type: str, hidden: int, mlp: int, layers: int, heads: int, kv_heads: int, vocab: int, **further) -> dict:
    sizes = dict(hidden_size=hidden, intermediate_size=mlp, num_hidden_layers=layers, num_attention_heads=heads,
                 num_key_value_heads=kv_heads, head_dim=64, vocab_size=vocab)
    return dict(architectures=[architecture], model_type=model_type, **sizes, **further)


def llama(*sizes: int, tied: bool = False) -> dict:
    return config("LlamaForCausalLM", "llama", *sizes, tie_word_embeddings=tied, rms_norm_eps=1e-5, max_position_embeddings=4096)


def qwen3(*sizes: int) -> dict:
    return config("Qwen3ForCausalLM", "qwen3", *sizes, tie_word_embeddings=False)


def gemma3(*sizes: int) -> dict:
    """Five sliding layers, then a global one; the window is half of the sequence."""
    layers = ["full_attention" if index % 6 == 5 else "sliding_attention" for index in range(sizes[2])]
    rope = dict(sliding_attention=dict(rope_type="default", rope_theta=1e4), full_attention=dict(rope_type="default", rope_theta=1e6))
    return config("Gemma3ForCausalLM", "gemma3_text", *sizes, tie_word_embeddings=True, sliding_window=64,
                  query_pre_attn_scalar=64, layer_types=layers, rope_parameters=rope)


MODELS = {
    "llama-26M": Model(llama(512, 1408, 6, 8, 4, 8000), batch=4),
    "llama-106M": Model(llama(768, 2048, 13, 12, 4, 16000), batch=2),
    # About SmolLM2 360M, whose 15 heads two ranks of PyTorch cannot divide.
    "llama-360M": Model(llama(1024, 2560, 30, 16, 4, 49152, tied=True), batch=2),
    "qwen3-106M": Model(qwen3(768, 2048, 13, 12, 4, 16000), batch=2),
    "gemma3-113M": Model(gemma3(768, 2048, 14, 12, 4, 32000), batch=2),
}
