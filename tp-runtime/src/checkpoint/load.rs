//! From a checkpoint into a model: each rank reads its own part of each parameter.

use tch::{Device, Kind};

use super::{Checkpoint, names};
use crate::error::CheckpointError;
use crate::module::Rename;
use crate::module::ShardedParam;

/// Which part of each parameter a rank holds, and how.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// The tensor-parallel rank.
    pub rank: usize,
    /// How many tensor-parallel ranks there are.
    pub world_size: usize,
    /// The type the parameters are held in.
    pub kind: Kind,
    /// The device they are held on.
    pub device: Device,
    /// What older checkpoints call the parameters.
    pub renames: &'static [Rename],
}

/// What loading took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadReport {
    /// Bytes of tensors read from the checkpoint.
    pub bytes_read: u64,
    /// Bytes the loaded parameters hold.
    pub parameter_bytes: u64,
}

/// Gives every parameter its part, as its placement says.
///
/// Nothing is read unless names, shapes and types of the whole checkpoint fit the model. Tensors
/// named `*.rotary_emb.inv_freq` are no parameters and are passed over, as in transformers.
///
/// # Errors
/// If checkpoint and model do not fit, with everything that does not, or if reading fails.
pub fn load(
    checkpoint: &Checkpoint,
    params: &[ShardedParam<'_>],
    options: &LoadOptions,
) -> Result<LoadReport, CheckpointError> {
    let &LoadOptions {
        rank,
        world_size,
        kind,
        device,
        renames,
    } = options;
    let sources = names::assign(checkpoint, params, renames)?;
    let before = checkpoint.bytes_read();
    let mut parameter_bytes = 0;
    for (one, source) in params.iter().zip(sources) {
        let tensor = match one.sharding.split() {
            Some((dim, partition)) => {
                let ranges = partition.ranges(rank, world_size);
                checkpoint.read_ranges(source, dim, &ranges, kind, device)?
            }
            None => checkpoint.read(source, kind, device)?,
        };
        parameter_bytes += (tensor.numel() * kind.elt_size_in_bytes()) as u64;
        one.param.set_local(tensor);
    }
    Ok(LoadReport {
        bytes_read: checkpoint.bytes_read() - before,
        parameter_bytes,
    })
}
