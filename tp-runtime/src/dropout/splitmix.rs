//! SplitMix64 (Steele, Lea and Flood 2014): any number of a stream can be had by itself.

use tch::{TchError, Tensor};

/// How far apart the numbers of a stream are before they are mixed: 2^64 over the golden ratio.
const STEP: i64 = 0x9e37_79b9_7f4a_7c15_u64.cast_signed();
/// Shifts and factors that mix.
const ROUNDS: [(i64, i64); 2] = [
    (30, 0xbf58_476d_1ce4_e5b9_u64.cast_signed()),
    (27, 0x94d0_49bb_1331_11eb_u64.cast_signed()),
];
const LAST_SHIFT: i64 = 31;

/// The number at `index` of the stream that starts from `seed`.
pub(super) fn number(seed: i64, index: i64) -> i64 {
    let shifted = |x: i64, shift: i64| x ^ (x.cast_unsigned() >> shift).cast_signed();
    let start = seed.wrapping_add(STEP.wrapping_mul(index.wrapping_add(1)));
    let mix = |x, (shift, factor)| shifted(x, shift).wrapping_mul(factor);
    shifted(ROUNDS.into_iter().fold(start, mix), LAST_SHIFT)
}

/// The same of tensors of 64-bit integers that broadcast to one shape.
pub(super) fn numbers(seeds: &Tensor, indices: &Tensor) -> Result<Tensor, TchError> {
    let steps = indices.f_add_scalar(1)?.f_mul_scalar(STEP)?;
    let mut x = seeds.f_add(&steps)?;
    for (shift, factor) in ROUNDS {
        x = shifted(x, shift)?.f_mul_scalar_(factor)?;
    }
    shifted(x, LAST_SHIFT)
}

fn shifted(mut x: Tensor, shift: i64) -> Result<Tensor, TchError> {
    // A shift of a signed integer fills with its sign.
    let unsigned = i64::MAX >> (shift - 1);
    let mut high = x.f_bitwise_right_shift_tensor_scalar(shift)?;
    let high = high.f_bitwise_and_(unsigned)?;
    x.f_bitwise_xor_tensor_(&high)
}
