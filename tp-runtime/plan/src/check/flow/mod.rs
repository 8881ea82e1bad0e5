//! The layouts of a plan meet: what each layer gives is what its readers take.
//!
//! Follows the flow that the model's structs declare, as `explain` does, but with no sizes, and for
//! any configuration: an optional module is there, and every element of a list that no row singles
//! out is like the others. Both columns are followed at once, since rustc takes its time.

mod activation;
mod advice;
mod conflict;
mod join;
mod layer;
mod message;
mod module;
mod stack;

use super::sound::{has_sound_bases, is_sound};
use crate::{Mode, Plan};
pub use conflict::Conflict;
use module::Model;

/// Where a conflict is shown.
#[derive(Clone, Copy)]
pub enum Location {
    /// Nowhere: there is none, or it is shown already.
    Nowhere,
    /// On the item of that index.
    Own(usize),
    /// On the plan that the table starts from.
    Base,
}

/// Whether the layouts of a plan meet, in each of its columns.
pub struct Flow {
    conflicts: [Option<Conflict>; Mode::ALL.len()],
}

impl Flow {
    /// Follows the flow of the plan's model under both columns.
    ///
    /// A plan with a row that is wrong by itself is passed over: that is to be corrected first.
    pub const fn of(plan: &'static Plan) -> Self {
        if !has_sound_bases(plan) {
            return Self {
                conflicts: [None, None],
            };
        }
        let mut model = Model::new(plan);
        model.follow();
        let meets = model.conflicts[0].is_none() && model.conflicts[1].is_none();
        // Asked last: it costs as much as the flow, and a plan that meets need not be asked.
        if !meets && !is_sound(plan) {
            model.conflicts = [None, None];
        }
        Self {
            conflicts: model.conflicts,
        }
    }

    /// Where the layouts of one column do not meet, if so; the first such place.
    pub const fn conflict(&self, mode: Mode) -> Option<&Conflict> {
        self.conflicts[mode as usize].as_ref()
    }

    /// The line of the table that stands for the conflict of a column.
    ///
    /// The second column has none where it would be the line of the first: a conflict in both is
    /// most often one mistake.
    #[doc(hidden)]
    pub const fn location(&self, mode: Mode) -> Location {
        let location = self.location_in(mode);
        match (mode, location, self.location_in(Mode::TensorParallel)) {
            (Mode::SequenceParallel, Location::Own(second), Location::Own(first))
                if first == second =>
            {
                Location::Nowhere
            }
            (Mode::SequenceParallel, Location::Base, Location::Base) => Location::Nowhere,
            _ => location,
        }
    }

    const fn location_in(&self, mode: Mode) -> Location {
        match self.conflict(mode) {
            None => Location::Nowhere,
            Some(conflict) => match conflict.item() {
                Some(item) => Location::Own(item),
                None => Location::Base,
            },
        }
    }

    /// Panics with the conflict of a column.
    #[doc(hidden)]
    #[track_caller]
    pub const fn fail(&self, mode: Mode) {
        if let Some(conflict) = self.conflict(mode) {
            panic!("{}", conflict.message().as_str());
        }
    }
}

#[cfg(test)]
mod tests;
