//! The layouts of a plan meet: what each layer gives is what its readers take.
//!
//! Follows the flow that the model's structs declare, as `explain` does, but with no sizes, and for
//! any configuration: an optional module is there, and every element of a list that no row singles
//! out is like the others. Both columns are followed at once, since rustc takes its time.

mod advice;
mod fault;
mod join;
mod layer;
mod message;
mod module;
mod stack;
mod value;

use super::sound::{has_sound_bases, is_sound};
use crate::{Mode, Plan};
pub use fault::Fault;
use module::Model;

/// Where a fault of the flow is shown.
#[derive(Clone, Copy)]
pub enum Line {
    /// There is none to show.
    Nowhere,
    /// On the item of that index.
    Own(usize),
    /// On the plan that the table starts from.
    Base,
}

/// Whether the layouts of a plan meet, in each of its columns.
pub struct Flow {
    faults: [Option<Fault>; Mode::ALL.len()],
}

impl Flow {
    /// Follows the flow of the plan's model under both columns.
    ///
    /// A plan with a row that is wrong by itself is passed over: that is to be corrected first.
    pub const fn of(plan: &'static Plan) -> Self {
        if !has_sound_bases(plan) {
            return Self {
                faults: [None, None],
            };
        }
        let mut model = Model::new(plan);
        model.follow();
        let meets = model.faults[0].is_none() && model.faults[1].is_none();
        // Asked last: it costs as much as the flow, and a plan that meets need not be asked.
        if !meets && !is_sound(plan) {
            model.faults = [None, None];
        }
        Self {
            faults: model.faults,
        }
    }

    /// Where the layouts of one column do not meet, if so; the first such place.
    pub const fn fault(&self, mode: Mode) -> Option<&Fault> {
        self.faults[mode as usize].as_ref()
    }

    /// The line of the table that stands for the fault of a column.
    ///
    /// None for the second column if it is the line of the first: what is wrong in both is most
    /// often one mistake.
    pub const fn line(&self, mode: Mode) -> Line {
        let line = self.line_of(mode);
        match (mode, line, self.line_of(Mode::TensorParallel)) {
            (Mode::SequenceParallel, Line::Own(second), Line::Own(first)) if first == second => {
                Line::Nowhere
            }
            (Mode::SequenceParallel, Line::Base, Line::Base) => Line::Nowhere,
            _ => line,
        }
    }

    const fn line_of(&self, mode: Mode) -> Line {
        match self.fault(mode) {
            None => Line::Nowhere,
            Some(fault) => match fault.item() {
                Some(item) => Line::Own(item),
                None => Line::Base,
            },
        }
    }

    /// Panics with the fault of a column.
    #[track_caller]
    pub const fn fail(&self, mode: Mode) {
        if let Some(fault) = self.fault(mode) {
            panic!("{}", fault.message().as_str());
        }
    }
}

#[cfg(test)]
mod tests;
