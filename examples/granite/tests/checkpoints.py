"""The tiny Granite that the parity test runs; `./dev fixtures --table` on this file writes it."""
from checkpoints import Checkpoint, rope, sizes
from transformers import GraniteConfig, GraniteForCausalLM

CHECKPOINTS = {
    "granite": Checkpoint(
        GraniteForCausalLM,
        GraniteConfig(**sizes(32, 48, 8, 4, None, 130), tie_word_embeddings=True, rope_parameters=rope(10000.0),
                      embedding_multiplier=3.0, residual_multiplier=0.6, attention_multiplier=0.4, logits_scaling=0.25),
        "multipliers that are not 1, grouped kv heads, a tied head"),
}
