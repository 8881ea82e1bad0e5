//! The types weights are stored in, and libtorch's names for them.

use safetensors::Dtype;
use tch::Kind;

const PAIRS: [(Dtype, Kind, &str); 3] = [
    (Dtype::F32, Kind::Float, "float32"),
    (Dtype::F16, Kind::Half, "float16"),
    (Dtype::BF16, Kind::BFloat16, "bfloat16"),
];

/// The kind of a stored weight, if its type is one that weights have.
pub(crate) fn kind_of(dtype: Dtype) -> Option<Kind> {
    PAIRS.iter().find(|pair| pair.0 == dtype).map(|pair| pair.1)
}

/// The stored type for a kind, with its name in `config.json`.
pub(super) fn dtype_of(kind: Kind) -> Option<(Dtype, &'static str)> {
    PAIRS
        .iter()
        .find(|pair| pair.1 == kind)
        .map(|pair| (pair.0, pair.2))
}
