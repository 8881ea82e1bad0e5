use tp_models::published::QWEN2_5_7B;
use tp_models::qwen2::QWEN2;
use tp_runtime::assert_shards;

assert_shards!(QWEN2, QWEN2_5_7B, tp = 29);

fn main() {}
