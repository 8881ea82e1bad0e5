use tp_models::published::QWEN2_5_7B;
use tp_models::qwen2::QWEN2_SHARED_KV;
use tp_runtime::assert_shards;

assert_shards!(QWEN2_SHARED_KV, QWEN2_5_7B, tp = 8);

fn main() {}
