use tp_models::llama::LLAMA;
use tp_models::published::LLAMA_3_8B;
use tp_runtime::assert_shards;

assert_shards!(LLAMA);
assert_shards!(LLAMA, LLAMA_3_8B, 8);
assert_shards!(LLAMA, LLAMA_3_8B, ranks = 8);
assert_shards!(LLAMA, LLAMA_3_8B, tp = 8, sp = 8);

fn main() {}
