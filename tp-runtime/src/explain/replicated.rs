//! What every rank holds whole, by the outermost modules of which nothing is split.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::{Folded, Lists};
use super::memory::LayerReport;

/// Modules that every rank holds whole, with their bytes; the largest first.
///
/// A struct stands for all that it holds where nothing in it is split, a parameter for itself
/// where its layer is.
pub(super) fn modules(layers: &[LayerReport], lists: &Lists) -> Vec<(String, u64)> {
    let (mut split, mut whole) = (BTreeSet::new(), Vec::new());
    for layer in layers {
        let own = layer.parameters.iter();
        for parameter in own.filter(|parameter| parameter.tied_to.is_none()) {
            let name = format!("{}.{}", layer.path, parameter.name);
            match parameter.replicated {
                Some(_) => whole.push((name, parameter.bytes)),
                None => split.extend(prefixes(&name).map(str::to_owned)),
            }
        }
    }
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, bytes) in &whole {
        let outermost = prefixes(name).find(|prefix| !split.contains(*prefix));
        *sizes.entry(outermost.unwrap_or(name)).or_default() += bytes;
    }
    let named = sizes
        .into_iter()
        .map(|(name, size)| (name.to_owned(), size));
    let folded = lists.fold(named).into_iter();
    let mut modules: Vec<_> = folded
        .map(|Folded { name, count, alike }| (name, alike * count as u64))
        .collect();
    modules.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    modules
}

/// The modules that the one at `path` stands in, outermost first, and itself.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('.').map(|(at, _)| at);
    ends.chain([path.len()]).map(|end| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{ParameterReport, Replicated};
    use crate::module::Sharding;
    use crate::plan::Placement;

    /// A layer of a split weight where `is_split`, and a bias that every rank has.
    fn layer(path: &str, is_split: bool, bytes: u64) -> LayerReport {
        let parameter = |name, whole, bytes| ParameterReport {
            name,
            placement: Placement::Replicate,
            replicated: Some(Replicated::Style).filter(|_| whole),
            shape: vec![],
            rank_shape: vec![],
            sharding: Sharding::Replicated,
            uneven: false,
            bytes,
            rank_bytes: bytes,
            tied_to: None,
        };
        LayerReport {
            path: path.to_owned(),
            style: None,
            replicated: None,
            parameters: vec![
                parameter("weight", !is_split, bytes),
                parameter("bias", true, 1),
            ],
        }
    }

    fn found(layers: &[LayerReport]) -> Vec<(String, u64)> {
        let lists = Lists::of(layers.iter().map(|layer| layer.path.as_str()));
        modules(layers, &lists)
    }

    #[test]
    fn a_struct_stands_for_all_that_it_holds() {
        let layers = [
            layer("tower.0.up", false, 10),
            layer("tower.0.down", false, 10),
            layer("tower.1.up", false, 10),
            layer("head", true, 100),
        ];
        let expected = [("tower".to_owned(), 33), ("head.bias".to_owned(), 1)];
        assert_eq!(found(&layers), expected);
    }

    #[test]
    fn what_is_alike_in_a_list_is_one_name_and_counts_for_each() {
        let layers = [
            layer("layers.0.norm", false, 4),
            layer("layers.0.up", true, 100),
            layer("layers.1.norm", false, 4),
            layer("layers.1.up", true, 100),
        ];
        let expected = [
            ("layers.*.norm".to_owned(), 10),
            ("layers.*.up.bias".to_owned(), 2),
        ];
        assert_eq!(found(&layers), expected);
    }

    #[test]
    fn an_element_that_others_are_not_like_is_named_by_its_index() {
        let layers = [
            layer("layers.0.up", false, 4),
            layer("layers.1.up", true, 4),
        ];
        let expected = [
            ("layers.0".to_owned(), 5),
            ("layers.1.up.bias".to_owned(), 1),
        ];
        assert_eq!(found(&layers), expected);
    }
}
