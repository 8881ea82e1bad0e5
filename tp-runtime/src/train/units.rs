//! The parameters of a model in flat buffers.

use std::rc::Rc;

use super::unit::Unit;
use crate::Result;
use crate::comm::ProcessGroup;
use crate::data_parallel::TrainOptions;
use crate::data_parallel::members;
use crate::module::Keeper;
use crate::parallel::ParallelModel;

/// The parameters of a model as units; see [`members`].
pub(super) fn units(
    model: &ParallelModel,
    ranks: &ProcessGroup,
    options: &TrainOptions,
) -> Result<Vec<Rc<Unit>>> {
    let parameters = model.parameters();
    let named = parameters
        .iter()
        .map(|named| (named.name.as_str(), named.param.clone()));
    let members = members(named, options.zero).into_iter();
    let units = members.map(|(name, params)| {
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
