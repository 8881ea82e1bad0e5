//! The parameters of a model in flat buffers.

use std::rc::Rc;

use super::unit::Unit;
use crate::Result;
use crate::comm::ProcessGroup;
use crate::data_parallel::members;
use crate::data_parallel::{TrainOptions, Zero};
use crate::module::Keeper;
use crate::parallel::ParallelModel;

/// The parameters of a model as units; see [`members`].
pub(super) fn units(
    model: &ParallelModel,
    ranks: &ProcessGroup,
    options: &TrainOptions,
) -> Result<Vec<Rc<Unit>>> {
    let parameters = model.parameters();
    let named = |is_frozen: bool| {
        let some = parameters.iter();
        let some = some.filter(move |named| named.param.is_frozen() == is_frozen);
        let named = some.map(|named| (named.name.as_str(), named.param.clone()));
        members(named, options.zero)
    };
    let mut members = named(false);
    // Each rank keeps all of what stays as it is, unless ranks divide weights.
    if options.zero == Zero::Parameters {
        members.extend(named(true));
    }
    let units = members.into_iter().map(|(name, params)| {
        let unit = Unit::new(name, params, options.zero, ranks, options.bucket)?;
        let unit = Rc::new(unit);
        for param in unit.params() {
            let keeper: Rc<dyn Keeper> = unit.clone();
            param.set_keeper(Rc::downgrade(&keeper));
        }
        Ok(unit)
    });
    units.collect()
}
