use tp_models::published::QWEN3_8B;
use tp_models::qwen3_classifier::QWEN3_CLASSIFIER;
use tp_runtime::nn::Linear;
use tp_runtime::{Module, assert_shards, tp_plan};

#[derive(Module)]
struct Head {
    project: Linear,
}

tp_plan! {
    /// Columns of a layer whose sizes no one says.
    HEAD for Head;
    "project" => Colwise,
}

assert_shards!(QWEN3_CLASSIFIER, QWEN3_8B, tp = 2);
assert_shards!(HEAD, QWEN3_8B, tp = 2);

fn main() {}
