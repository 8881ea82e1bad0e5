use tp_models::llama::{LLAMA, LlamaConfig};
use tp_models::published::LLAMA_3_8B;
use tp_runtime::assert_shards;

const FEW_TOKENS: LlamaConfig = LlamaConfig {
    vocab_size: 5,
    ..LLAMA_3_8B
};
const NARROW: LlamaConfig = LlamaConfig {
    intermediate_size: 3,
    ..LLAMA_3_8B
};
assert_shards!(LLAMA, FEW_TOKENS, tp = 4);
assert_shards!(LLAMA, NARROW, tp = 8);

fn main() {}
