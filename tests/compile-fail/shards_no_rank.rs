use tp_models::llama::LLAMA;
use tp_models::published::LLAMA_3_8B;
use tp_runtime::assert_shards;

assert_shards!(LLAMA, LLAMA_3_8B, tp = 0);

fn main() {}
