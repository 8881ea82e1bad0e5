//! The layouts of a plan meet: what each layer gives is what its readers take.
//!
//! Follows the flow that the model's structs declare, as `explain` does, but with no sizes, and for
//! any configuration: an optional module is there, and every element of a list that no row singles
//! out is like the others.

mod cell;
mod join;
mod layer;
mod message;
mod module;
mod value;

use super::sound::{has_sound_bases, is_sound};
use crate::plan::{Mode, Plan, Text};
use module::Model;
use value::Value;

/// Layouts that do not meet.
pub struct Fault {
    /// The line of the table to change; `None` where it is one of the plan it starts from.
    pub item: Option<usize>,
    /// What is wrong, and what to write instead.
    pub message: Text,
}

/// Whether the layouts of a plan meet, in each of its columns.
pub struct Flow {
    tensor_parallel: Option<Fault>,
    sequence_parallel: Option<Fault>,
}

impl Flow {
    /// Follows the flow of the plan's model under both columns.
    ///
    /// A plan with a row that is wrong by itself is passed over: that is to be corrected first.
    pub const fn of(plan: &Plan) -> Self {
        let unknown = Self {
            tensor_parallel: None,
            sequence_parallel: None,
        };
        if !has_sound_bases(plan) {
            return unknown;
        }
        let flow = Self {
            tensor_parallel: column(plan, Mode::TensorParallel),
            sequence_parallel: if plan.supports(Mode::SequenceParallel) {
                column(plan, Mode::SequenceParallel)
            } else {
                None
            },
        };
        let meets = flow.tensor_parallel.is_none() && flow.sequence_parallel.is_none();
        // Asked last: it costs as much as the flow, and a plan that meets need not be asked.
        if meets || is_sound(plan) {
            flow
        } else {
            unknown
        }
    }

    /// Where the layouts of one column do not meet, if so; the first such place.
    pub const fn fault(&self, mode: Mode) -> Option<&Fault> {
        match mode {
            Mode::TensorParallel => self.tensor_parallel.as_ref(),
            Mode::SequenceParallel => self.sequence_parallel.as_ref(),
        }
    }

    /// Panics if the line at `item` is to be changed for the layouts to meet.
    #[track_caller]
    pub const fn meets(&self, item: usize) {
        self.panic_at(Some(item));
    }

    /// Panics if the layouts of the plan that this one starts from do not meet under it.
    #[track_caller]
    pub const fn meets_base(&self) {
        self.panic_at(None);
    }

    #[track_caller]
    const fn panic_at(&self, item: Option<usize>) {
        // One message for a row: what is wrong in both columns is most often one mistake.
        let columns = [&self.tensor_parallel, &self.sequence_parallel];
        let mut at = 0;
        while at < columns.len() {
            if let Some(fault) = columns[at] {
                let here = match (fault.item, item) {
                    (Some(faulty), Some(item)) => faulty == item,
                    (None, None) => true,
                    _ => false,
                };
                assert!(!here, "{}", fault.message.as_str());
            }
            at += 1;
        }
    }
}

const fn column(plan: &Plan, mode: Mode) -> Option<Fault> {
    let model = Model { plan, mode };
    match model.module(plan.node, "", Value::unknown()) {
        Ok(_) => None,
        Err(fault) => Some(fault),
    }
}

#[cfg(test)]
mod tests;
