//! From a checkpoint into a model: each rank reads its own part of each parameter.

use tch::{Device, Kind};

use super::finding::Finding;
use super::names::{self, Source};
use super::slices::Part;
use super::{Checkpoint, initialize};
use crate::error::CheckpointError;
use crate::module::{FreshHead, Rename, ShardedParam};

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
    /// What a checkpoint with another head may lack.
    pub fresh_head: FreshHead,
    /// What the random numbers of such a head start from.
    pub seed: u64,
    /// Their standard deviation.
    pub std: f64,
}

/// What loading took and met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadReport {
    /// Bytes of tensors read from the checkpoint into parameters.
    pub bytes_read: u64,
    /// Bytes the loaded parameters hold.
    pub parameter_bytes: u64,
    /// What the checkpoint holds otherwise than the model has it.
    pub findings: Vec<Finding>,
}

/// Gives every parameter its part, as its placement says.
///
/// Nothing is read unless names, shapes and types of the whole checkpoint fit the model. Tensors
/// named `*.rotary_emb.inv_freq` or `*.position_ids` are no parameters and are passed over, as in transformers.
///
/// # Errors
/// If checkpoint and model do not fit, with everything that does not; if a tied parameter is stored with
/// different values under its names; or if reading fails.
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
        ..
    } = options;
    let (sources, found) = names::assign(checkpoint, params, options)?;
    let mut findings = checkpoint.findings(kind);
    findings.extend(found);
    let before = checkpoint.bytes_read();
    let mut parameter_bytes = 0;
    for (one, source) in params.iter().zip(sources) {
        match source {
            Source::Stored(name, others) => {
                let split = one.sharding.split();
                let split = split.map(|(dim, partition)| (dim, partition.ranges(rank, world_size)));
                let part = match &split {
                    Some((dim, ranges)) => Part::Ranges(*dim, ranges),
                    None => Part::Whole,
                };
                for other in others {
                    if !checkpoint.is_equal(name, other, part)? {
                        return Err(CheckpointError::Tied {
                            tensor: name.to_owned(),
                            other: other.to_owned(),
                        });
                    }
                }
                let tensor = checkpoint.read_part(name, part, kind, device)?;
                one.param.set_local(tensor);
            }
            Source::Fresh => {
                initialize(
                    std::slice::from_ref(one),
                    options.seed,
                    options.std,
                    options,
                )?;
            }
        }
        parameter_bytes += (one.param.local().numel() * kind.elt_size_in_bytes()) as u64;
    }
    Ok(LoadReport {
        bytes_read: checkpoint.bytes_read() - before,
        parameter_bytes,
        findings,
    })
}
