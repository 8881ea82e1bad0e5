//! The costs of training as text.

use std::fmt;

use super::{TrainingCosts, TrainingMemory};
use crate::data_parallel::{Recompute, Zero};
use crate::explain::bytes::Bytes;
use crate::explain::text_table::TextTable;
use crate::explain::{Count, Traffic};

/// For people; without a line break at the end.
impl fmt::Display for TrainingCosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.heading())?;
        writeln!(f, "\nmemory per rank: {} at most", Bytes(self.memory.peak))?;
        for line in memory(self.memory).lines(&[1]) {
            writeln!(f, "  {line}")?;
        }
        if self.traffic.is_empty() {
            return write!(f, "\na step: no collectives");
        }
        let total: Traffic = self.traffic.iter().map(|part| part.traffic).sum();
        let Count { calls, bytes } = total.total();
        write!(f, "\na step: {calls} collectives, {}", Bytes(bytes))?;
        for line in self.traffic_table().lines(&[3, 4]) {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

impl TrainingMemory {
    /// What there is of it: what for, bytes, and a remark, which may be empty.
    pub fn parts(self) -> impl Iterator<Item = (&'static str, u64, &'static str)> {
        let parts = [
            ("parameters", self.parameters, ""),
            ("f32 master", self.master, ""),
            ("AdamW's moments", self.moments, ""),
            ("gradients", self.gradients, ""),
            ("activations", self.activations, "kept for the backward"),
            (
                "working",
                self.working,
                "logits, and gradients on their way",
            ),
            (
                "gathered",
                self.gathered,
                "weights in use, and their gradients",
            ),
            (
                "a bucket",
                self.bucket,
                "while it is reduced or gathered, after activations",
            ),
        ];
        parts.into_iter().filter(|(_, bytes, _)| *bytes > 0)
    }
}

impl TrainingCosts {
    /// How it is trained, in a line.
    pub fn heading(&self) -> String {
        let ranks = match self.setup.data_ranks.get() {
            1 => "1 data-parallel rank".to_owned(),
            many => format!("{many} data-parallel ranks"),
        };
        let options = self.setup.options;
        let recompute = match options.recompute {
            Recompute::None if options.zero == Zero::Parameters => "full (as stage 3 does)",
            Recompute::None => "none",
            Recompute::Full => "full",
        };
        format!(
            "training on {ranks}: ZeRO stage {}, recompute {recompute}, accumulation {}, global batch {}",
            options.zero.stage(),
            self.setup.accumulation,
            self.global_batch
        )
    }

    fn traffic_table(&self) -> TextTable {
        let mut table = TextTable::default();
        for part in &self.traffic {
            for (kind, Count { calls, bytes }) in part.traffic.by_kind() {
                if calls > 0 {
                    table.push([
                        part.group.to_string(),
                        part.purpose.to_string(),
                        kind.to_owned(),
                        format!("×{calls}"),
                        Bytes(bytes).to_string(),
                    ]);
                }
            }
        }
        table
    }
}

fn memory(memory: TrainingMemory) -> TextTable {
    let mut table = TextTable::default();
    for (what, bytes, note) in memory.parts() {
        table.push([what.to_owned(), Bytes(bytes).to_string(), note.to_owned()]);
    }
    table
}
