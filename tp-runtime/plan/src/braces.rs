//! Several names as one pattern with braces: `model.layers.*.mlp.{gate,up}_proj`.

/// Neighbours that are alike and stand in one module, each group under one name with its first.
pub fn neighbours<T, K: PartialEq>(
    rows: &[T],
    name: impl Fn(&T) -> &str,
    key: impl Fn(&T) -> K,
) -> Vec<(String, &T)> {
    let parent = |row: &T| name(row).rfind('.').map(|dot| name(row)[..dot].to_owned());
    let alike = |a: &T, b: &T| parent(a) == parent(b) && key(a) == key(b);
    let groups = rows.chunk_by(alike);
    let named = groups.map(|group| {
        let names: Vec<String> = group.iter().map(|row| name(row).to_owned()).collect();
        (braces(&names), &group[0])
    });
    named.collect()
}

/// Several modules as one name: `a.{q,k,v}_proj` where only part of the last segment differs.
pub fn braces(names: &[String]) -> String {
    let [first, rest @ ..] = names else {
        return String::new();
    };
    let parent = first.rfind('.').map_or(0, |dot| dot + 1);
    let shared = |name: &String| {
        name.rfind('.').map_or(0, |dot| dot + 1) == parent && name[..parent] == first[..parent]
    };
    if rest.is_empty() || !rest.iter().all(shared) {
        return names.join(", ");
    }
    let words: Vec<&str> = names.iter().map(|name| &name[parent..]).collect();
    // Words are cut between segments of snake case only, so that names stay readable.
    let suffix = words[0]
        .match_indices('_')
        .map(|(at, _)| &words[0][at..])
        .find(|suffix| words.iter().all(|word| word.ends_with(suffix)))
        .unwrap_or("");
    let different: Vec<&str> = words
        .iter()
        .map(|word| &word[..word.len() - suffix.len()])
        .collect();
    format!("{}{{{}}}{suffix}", &first[..parent], different.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_share_what_their_names_share() {
        let braces = |names: &[&str]| {
            braces(
                &names
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(braces(&["a.q_proj", "a.k_proj"]), "a.{q,k}_proj");
        assert_eq!(
            braces(&["a.gate_up_proj", "a.up_proj"]),
            "a.{gate_up,up}_proj"
        );
        assert_eq!(braces(&["a.q", "a.k"]), "a.{q,k}");
        assert_eq!(braces(&["a.q", "b.q"]), "a.q, b.q");
        assert_eq!(braces(&["lm_head"]), "lm_head");
    }
}
