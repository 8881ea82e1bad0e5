//! SIGTERM and SIGINT: the job saves at the end of its step and leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tch::{Device, Kind, Tensor};
use tp_runtime::comm::{ProcessGroup, ReduceOp};

/// The signal that this process was sent.
#[derive(Clone)]
pub(super) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Listens from now on; a second signal ends the process at once.
    pub(super) fn listen() -> Result<Self> {
        let sent = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(std::sync::atomic::AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            flag::register_conditional_default(signal, again.clone())?;
            flag::register(signal, again.clone())?;
            flag::register_usize(signal, sent.clone(), signal as usize)?;
        }
        Ok(Self(sent))
    }

    /// The signal that any rank was sent, as all of them agree. Every rank makes the call.
    pub(super) fn requested(&self, world: &ProcessGroup) -> Result<Option<u8>> {
        let own = self.0.load(Ordering::Relaxed) as i64;
        let own = Tensor::f_full([], own, (Kind::Int64, Device::Cpu))?;
        let signal = world.all_reduce(own, ReduceOp::Max, "whether to stop")?;
        Ok(match i64::try_from(&signal)? {
            0 => None,
            signal => u8::try_from(signal).ok(),
        })
    }
}
