//! Which parameters are held together.

use std::rc::Rc;

use super::options::{TrainOptions, Zero};
use super::unit::Unit;
use crate::Result;
use crate::comm::ProcessGroup;
use crate::module::{Keeper, Param};
use crate::parallel::ParallelModel;

/// The parameters of a model as units: one for all, or one for each layer where layers are gathered one
/// by one, and one for what stands in no layer.
pub(super) fn units(
    model: &ParallelModel,
    ranks: &ProcessGroup,
    options: &TrainOptions,
) -> Result<Vec<Rc<Unit>>> {
    let mut members: Vec<(String, Vec<Param>)> = Vec::new();
    for named in model.parameters() {
        let name = match options.zero {
            Zero::Parameters => layer(&named.name).unwrap_or("what is in no layer"),
            Zero::Replicas | Zero::Optimizer => "the model",
        };
        match members.iter_mut().find(|(known, _)| known == name) {
            Some((_, params)) => params.push(named.param.clone()),
            None => members.push((name.to_owned(), vec![named.param.clone()])),
        }
    }
    let units = members.into_iter().map(|(name, params)| {
        let unit = Unit::new(&name, params, options.zero, ranks, options.bucket)?;
        let unit = Rc::new(unit);
        for param in unit.params() {
            let keeper: Rc<dyn Keeper> = unit.clone();
            param.set_keeper(Rc::downgrade(&keeper));
        }
        Ok(unit)
    });
    units.collect()
}

/// The outermost element of a list that a parameter stands in, such as `model.layers.3`.
fn layer(name: &str) -> Option<&str> {
    let mut end = 0;
    for segment in name.split('.') {
        end += segment.len();
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(&name[..end]);
        }
        end += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::layer;

    #[test]
    fn a_layer_is_an_element_of_a_list() {
        let name = "model.layers.12.mlp.up_proj.weight";
        assert_eq!(layer(name), Some("model.layers.12"));
        assert_eq!(layer("model.norm.weight"), None);
    }
}
