//! Reductions over plain memory, in rank order, so that every rank gets the same bits.

use half::{bf16, f16, slice::HalfFloatSliceExt};
use tch::Kind;

use super::super::ReduceOp;

/// Elements reduced at a time: the running block stays in the first-level cache.
const BLOCK: usize = 1024;

/// A type of element; 16-bit floats are reduced in 32 bits.
trait Element: Copy {
    type Wide: Copy + Default;

    fn load(from: &[Self], to: &mut [Self::Wide]);
    fn add(from: &[Self], to: &mut [Self::Wide]);
    fn max(from: &[Self], to: &mut [Self::Wide]);
    fn store(from: &[Self::Wide], to: &mut [Self]);
}

/// Whether [`reduce`] knows the kind.
pub(super) fn supports(kind: Kind) -> bool {
    use Kind::{BFloat16, Double, Float, Half, Int, Int8, Int16, Int64, Uint8};
    matches!(
        kind,
        Float | BFloat16 | Half | Double | Int64 | Int | Int16 | Int8 | Uint8
    )
}

/// Reduces `length` elements of every input and writes the result to every output.
///
/// # Safety
/// Each pointer must be aligned and valid for `length` elements of `kind`, which [`supports`] holds for. No other
/// thread may write the inputs or touch the outputs meanwhile. An output may be an input, but they
/// must not overlap otherwise.
pub(super) unsafe fn reduce(
    kind: Kind,
    op: ReduceOp,
    inputs: &[*const u8],
    outputs: &[*mut u8],
    length: usize,
) {
    // SAFETY: the caller's promise, passed on with the type that belongs to `kind`.
    unsafe {
        match kind {
            Kind::Float => reduce_as::<f32>(op, inputs, outputs, length),
            Kind::BFloat16 => reduce_as::<bf16>(op, inputs, outputs, length),
            Kind::Half => reduce_as::<f16>(op, inputs, outputs, length),
            Kind::Double => reduce_as::<f64>(op, inputs, outputs, length),
            Kind::Int64 => reduce_as::<i64>(op, inputs, outputs, length),
            Kind::Int => reduce_as::<i32>(op, inputs, outputs, length),
            Kind::Int16 => reduce_as::<i16>(op, inputs, outputs, length),
            Kind::Int8 => reduce_as::<i8>(op, inputs, outputs, length),
            Kind::Uint8 => reduce_as::<u8>(op, inputs, outputs, length),
            other => unreachable!("`supports` does not hold for {other:?}"),
        }
    }
}

unsafe fn reduce_as<T: Element>(
    op: ReduceOp,
    inputs: &[*const u8],
    outputs: &[*mut u8],
    length: usize,
) {
    let mut block = [T::Wide::default(); BLOCK];
    for start in (0..length).step_by(BLOCK) {
        let block = &mut block[..BLOCK.min(length - start)];
        for (rank, input) in inputs.iter().enumerate() {
            // SAFETY: within the input, by the caller's promise; dropped before any output is written.
            let input =
                unsafe { std::slice::from_raw_parts(input.cast::<T>().add(start), block.len()) };
            match op {
                _ if rank == 0 => T::load(input, block),
                ReduceOp::Sum => T::add(input, block),
                ReduceOp::Max => T::max(input, block),
            }
        }
        for output in outputs {
            // SAFETY: within the output, by the caller's promise; the only reference into it.
            let output = unsafe {
                std::slice::from_raw_parts_mut(output.cast::<T>().add(start), block.len())
            };
            T::store(block, output);
        }
    }
}

/// Implements [`Element`] for a type that is reduced as it is.
macro_rules! plain_element {
    ($($type:ty: $add:expr, $max:expr;)*) => {$(
        impl Element for $type {
            type Wide = Self;

            fn load(from: &[Self], to: &mut [Self]) {
                to.copy_from_slice(from);
            }

            fn add(from: &[Self], to: &mut [Self]) {
                to.iter_mut().zip(from).for_each(|(to, &from)| *to = $add(*to, from));
            }

            fn max(from: &[Self], to: &mut [Self]) {
                to.iter_mut().zip(from).for_each(|(to, &from)| *to = $max(*to, from));
            }

            fn store(from: &[Self], to: &mut [Self]) {
                to.copy_from_slice(from);
            }
        }
    )*};
}

plain_element! {
    f32: |a: f32, b: f32| a + b, |a: f32, b: f32| if a > b || a.is_nan() { a } else { b };
    f64: |a: f64, b: f64| a + b, |a: f64, b: f64| if a > b || a.is_nan() { a } else { b };
    i64: i64::wrapping_add, Ord::max;
    i32: i32::wrapping_add, Ord::max;
    i16: i16::wrapping_add, Ord::max;
    i8: i8::wrapping_add, Ord::max;
    u8: u8::wrapping_add, Ord::max;
}

/// Implements [`Element`] for a 16-bit float by way of `f32`.
macro_rules! half_element {
    ($($type:ty),*) => {$(
        impl Element for $type {
            type Wide = f32;

            fn load(from: &[Self], to: &mut [f32]) {
                from.convert_to_f32_slice(to);
            }

            fn add(from: &[Self], to: &mut [f32]) {
                <f32 as Element>::add(widen(from, &mut [0.0; BLOCK]), to);
            }

            fn max(from: &[Self], to: &mut [f32]) {
                <f32 as Element>::max(widen(from, &mut [0.0; BLOCK]), to);
            }

            fn store(from: &[f32], to: &mut [Self]) {
                to.convert_from_f32_slice(from);
            }
        }
    )*};
}

half_element!(f16, bf16);

fn widen<'a, T>(from: &[T], wide: &'a mut [f32; BLOCK]) -> &'a [f32]
where
    [T]: HalfFloatSliceExt,
{
    let wide = &mut wide[..from.len()];
    from.convert_to_f32_slice(wide);
    wide
}
