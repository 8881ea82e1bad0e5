use tp_models::layers::DecoderConfig;
use tp_models::llama::LLAMA;
use tp_models::published::LLAMA_3_8B;
use tp_runtime::assert_shards;

const FEW_TOKENS: DecoderConfig = DecoderConfig {
    vocab_size: 5,
    ..LLAMA_3_8B
};
const NARROW: DecoderConfig = DecoderConfig {
    intermediate_size: 3,
    ..LLAMA_3_8B
};
assert_shards!(LLAMA, FEW_TOKENS, tp = 4);
assert_shards!(LLAMA, NARROW, tp = 8);

fn main() {}
