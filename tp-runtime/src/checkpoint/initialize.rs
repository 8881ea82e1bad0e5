//! Random parameters to start training from, the same whatever the tensor-parallel degree.

use tch::Tensor;

use super::load::LoadOptions;
use super::slices::runs;
use crate::error::CheckpointError;
use crate::module::{Initial, Partition, ShardedParam};

/// Gives every parameter what its layer starts it from; [`Initial::Normal`] has the deviation `std`.
///
/// Every element is a function of `seed`, its parameter's name and its place in the whole
/// parameter, so ranks make their parts alone and any number of ranks makes the same model.
///
/// # Errors
/// If libtorch cannot allocate a parameter.
pub fn initialize(
    params: &[ShardedParam<'_>],
    seed: u64,
    std: f64,
    options: &LoadOptions,
) -> Result<(), CheckpointError> {
    let &LoadOptions {
        rank,
        world_size,
        kind,
        device,
        ..
    } = options;
    for ShardedParam {
        name,
        param,
        sharding,
        ..
    } in params
    {
        let shape = sharding.local_shape(param.shape(), rank, world_size);
        let tensor = match param.starts_from() {
            Initial::Zeros => Tensor::f_zeros(&shape, (kind, device))?,
            Initial::Ones => Tensor::f_ones(&shape, (kind, device))?,
            Initial::Normal | Initial::KaimingUniform => {
                let (dim, ranges) = match sharding.split() {
                    Some((dim, partition)) => (dim, partition.ranges(rank, world_size)),
                    None => (0, Partition::chunks(param.shape()[0]).ranges(0, 1)),
                };
                let key = key(seed, name);
                let value: &dyn Fn(u64) -> f32 = match param.starts_from() {
                    Initial::KaimingUniform => {
                        let bound = (param.shape()[1] as f32).sqrt().recip();
                        &move |index| bound * uniform(key, index)
                    }
                    _ => &|index| std as f32 * normal(key, index),
                };
                let indices = runs(param.shape(), dim, &ranges).flatten();
                let values: Vec<f32> = indices.map(|index| value(index as u64)).collect();
                let tensor = Tensor::f_from_slice(&values)?.f_view(shape.as_slice())?;
                tensor.f_to_device_(device, kind, false, false)?
            }
        };
        param.set_local(tensor);
    }
    Ok(())
}

/// A key for the elements of one parameter: FNV-1a of its name, started from the seed.
fn key(seed: u64, name: &str) -> u64 {
    name.bytes().fold(mix(seed), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A standard normal value for one element, by the Box-Muller transform.
fn normal(key: u64, index: u64) -> f32 {
    let bits = bits(key, index);
    // Two uniform values of 32 bits; the first is never zero, so that its logarithm is finite.
    let radius = ((bits >> 32) as f32 + 0.5) / (1u64 << 32) as f32;
    let turn = (bits as u32) as f32 / (1u64 << 32) as f32;
    (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * turn).cos()
}

/// A uniform value between -1 and 1 for one element.
fn uniform(key: u64, index: u64) -> f32 {
    let fraction = (bits(key, index) >> 40) as f32 / (1u64 << 24) as f32;
    2.0 * fraction - 1.0
}

/// The random bits of one element.
fn bits(key: u64, index: u64) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    mix(key.wrapping_add(index.wrapping_mul(STEP)))
}

/// The mixing function of SplitMix64.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
