//! How a model would be trained, as flags of `tp explain`.

use std::num::{NonZeroU64, NonZeroUsize};

use anyhow::Result;
use clap::Args;
use tp_runtime::explain::TrainingSetup;
use tp_runtime::train::{BatchSize, Recompute, TrainOptions, Zero};

use super::model::SetupArgs;
use super::numbers::count;
use super::stages::{Recomputed, Stage};

/// Under the names and with the defaults of `tp train`; none of them asks for no costs of training.
#[derive(Args, Debug)]
#[command(next_help_heading = "Training")]
pub(crate) struct TrainingArgs {
    /// How many groups of ranks share each step's batch (the data-parallel degree) [default: 1]
    #[arg(long, value_name = "N", value_parser = count)]
    dp: Option<NonZeroUsize>,

    /// What data-parallel ranks divide: 0 nothing, 1 the optimizer's state, 3 the weights, too [default: 1]
    #[arg(long, value_enum)]
    zero: Option<Stage>,

    /// What of each layer is computed again in the backward, and not kept [default: none]
    #[arg(long, value_enum)]
    recompute: Option<Recomputed>,

    /// How many micro-batches a rank computes for a step [default: 1]
    #[arg(long, value_name = "G", conflicts_with = "global_batch", value_parser = clap::value_parser!(NonZeroU64))]
    accumulation: Option<NonZeroU64>,

    /// Sequences in a step, over all ranks
    #[arg(long, value_name = "B", value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    global_batch: Option<u64>,
}

impl TrainingArgs {
    /// The training that is asked about, with micro-batches of `micro`'s size.
    pub(crate) fn setup(&self, micro: &SetupArgs) -> Result<Option<TrainingSetup>> {
        let Self {
            dp,
            zero,
            recompute,
            accumulation,
            global_batch,
        } = self;
        let is_asked = dp.is_some()
            || zero.is_some()
            || recompute.is_some()
            || accumulation.is_some()
            || global_batch.is_some();
        if !is_asked {
            return Ok(None);
        }
        let data_ranks = dp.unwrap_or(NonZeroUsize::MIN);
        let accumulation = match (accumulation, global_batch) {
            (Some(accumulation), _) => *accumulation,
            (None, None) => NonZeroU64::MIN,
            (None, Some(global)) => {
                let size =
                    BatchSize::new(*global as usize, micro.batch as usize, data_ranks.get())?;
                NonZeroU64::new(size.accumulation() as u64).unwrap_or(NonZeroU64::MIN)
            }
        };
        let options = TrainOptions {
            zero: zero.map(Zero::from).unwrap_or_default(),
            recompute: recompute.map(Recompute::from).unwrap_or_default(),
            ..TrainOptions::default()
        };
        Ok(Some(TrainingSetup {
            data_ranks,
            accumulation,
            options,
        }))
    }
}
