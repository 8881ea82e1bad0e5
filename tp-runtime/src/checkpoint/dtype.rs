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

/// The kind of a weight that is stored in 8 bits, if it is.
pub(super) fn fp8_kind(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F8_E4M3 => Some(Kind::Float8e4m3fn),
        Dtype::F8_E5M2 => Some(Kind::Float8e5m2),
        _ => None,
    }
}

/// The stored type for a kind, with its name in `config.json`.
pub(super) fn dtype_of(kind: Kind) -> Option<(Dtype, &'static str)> {
    PAIRS
        .iter()
        .find(|pair| pair.1 == kind)
        .map(|pair| (pair.0, pair.2))
}
