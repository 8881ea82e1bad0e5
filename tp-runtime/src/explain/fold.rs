//! Names of modules that are alike, folded into one: `model.layers.*.mlp.{gate,up}_proj`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use crate::plan::pattern::is_index;

/// How many elements each list of a model has, by its path with `*` for the indices above it.
pub(super) struct Lists(HashMap<String, usize>);

/// Things that are alike but for the indices in their names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folded<K> {
    /// The name of all.
    pub(super) name: String,
    /// How many.
    pub(super) count: usize,
    /// What they have in common.
    pub(super) alike: K,
}

impl Lists {
    /// The lists that the paths of all layers pass through.
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut lengths: HashMap<String, usize> = HashMap::new();
        for path in paths {
            let (pattern, indices) = split(path);
            for (index, list) in indices.iter().zip(lists(&pattern)) {
                let length = lengths.entry(list).or_default();
                *length = (*length).max(index + 1);
            }
        }
        Self(lengths)
    }

    /// Folds what is alike, in the order of its first appearance.
    pub(super) fn fold<K: Clone + Eq + Hash>(
        &self,
        named: impl IntoIterator<Item = (String, K)>,
    ) -> Vec<Folded<K>> {
        let mut order: Vec<(String, K)> = Vec::new();
        let mut groups: HashMap<(String, K), Vec<Vec<usize>>> = HashMap::new();
        for (name, alike) in named {
            let (pattern, indices) = split(&name);
            let key = (pattern, alike);
            let group = groups.entry(key.clone()).or_default();
            if group.is_empty() {
                order.push(key);
            }
            group.push(indices);
        }
        let folded = order.into_iter().flat_map(|key| {
            let group = &groups[&key];
            let (pattern, alike) = key;
            self.names(&pattern, group)
                .into_iter()
                .map(move |(name, count)| Folded {
                    name,
                    count,
                    alike: alike.clone(),
                })
        });
        folded.collect()
    }

    /// One name for all of `group`, if they are all combinations of some indices; else one for each.
    fn names(&self, pattern: &str, group: &[Vec<usize>]) -> Vec<(String, usize)> {
        let places = group.first().map_or(0, Vec::len);
        let used: Vec<BTreeSet<usize>> = (0..places)
            .map(|place| group.iter().map(|indices| indices[place]).collect())
            .collect();
        let combinations: usize = used.iter().map(BTreeSet::len).product();
        let mut counts: BTreeMap<&[usize], usize> = BTreeMap::new();
        for indices in group {
            *counts.entry(indices).or_default() += 1;
        }
        if counts.len() == combinations {
            let texts =
                lists(pattern)
                    .into_iter()
                    .zip(&used)
                    .map(|(list, used)| match self.0.get(&list) {
                        Some(length) if *length == used.len() => "*".to_owned(),
                        _ => ranges(used),
                    });
            return vec![(fill(pattern, texts), group.len())];
        }
        let each = counts.into_iter().map(|(indices, count)| {
            let texts = indices.iter().map(usize::to_string);
            (fill(pattern, texts), count)
        });
        each.collect()
    }
}

/// A path with `*` for its indices, and the indices.
fn split(path: &str) -> (String, Vec<usize>) {
    let mut indices = Vec::new();
    let segments = path.split('.').map(|segment| match segment.parse() {
        Ok(index) if is_index(segment) => {
            indices.push(index);
            "*"
        }
        _ => segment,
    });
    let pattern = segments.collect::<Vec<_>>().join(".");
    (pattern, indices)
}

/// What stands before each `*` of a pattern.
fn lists(pattern: &str) -> Vec<String> {
    let stars = pattern
        .match_indices(".*")
        .map(|(at, _)| pattern[..at].to_owned());
    stars.collect()
}

/// A pattern with a text for each `*`.
fn fill(pattern: &str, texts: impl Iterator<Item = String>) -> String {
    let mut texts = texts;
    let segments = pattern.split('.').map(|segment| match segment {
        "*" => texts.next().unwrap_or_default(),
        other => other.to_owned(),
    });
    segments.collect::<Vec<_>>().join(".")
}

/// `0-3`, or `{0-3,5}`.
fn ranges(indices: &BTreeSet<usize>) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &index in indices {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => runs.push((index, index)),
        }
    }
    let texts = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let texts: Vec<String> = texts.collect();
    match &texts[..] {
        [one] => one.clone(),
        many => format!("{{{}}}", many.join(",")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(all: &[&str], some: &[&str]) -> Vec<(String, usize)> {
        let lists = Lists::of(all.iter().copied());
        let named = some.iter().map(|name| ((*name).to_owned(), ()));
        let folded = lists.fold(named).into_iter();
        folded.map(|one| (one.name, one.count)).collect()
    }

    #[test]
    fn a_whole_list_is_a_star_and_a_part_says_which() {
        let all = ["h.0.a", "h.1.a", "h.2.a", "h.3.a", "h.4.a", "top"];
        assert_eq!(
            folded(&all, &all),
            [("h.*.a".to_owned(), 5), ("top".to_owned(), 1)]
        );
        assert_eq!(folded(&all, &all[..3]), [("h.0-2.a".to_owned(), 3)]);
        assert_eq!(
            folded(&all, &["h.0.a", "h.1.a", "h.4.a"]),
            [("h.{0-1,4}.a".to_owned(), 3)]
        );
    }

    #[test]
    fn indices_that_do_not_combine_stay_apart() {
        let all = ["a.0.b.0.c", "a.0.b.1.c", "a.1.b.0.c", "a.1.b.1.c"];
        assert_eq!(folded(&all, &all), [("a.*.b.*.c".to_owned(), 4)]);
        assert_eq!(
            folded(&all, &[all[0], all[3]]),
            [(all[0].to_owned(), 1), (all[3].to_owned(), 1)]
        );
    }
}
