//! The known word a mistyped one most likely meant.

/// The word of `known` nearest to `word`, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= word.len().max(candidate.len()) / 3 || is_begun(word, candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether `candidate` may be what someone is about to type.
fn is_begun(word: &str, candidate: &str) -> bool {
    let start = candidate.get(..word.len());
    word.len() > 1 && start.is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Edit distance: insert, delete, replace or swap two neighbours; case counts as nothing.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (
        a.to_ascii_lowercase().into_bytes(),
        b.to_ascii_lowercase().into_bytes(),
    );
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let edited = replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    edited.min(table[i - 2][j - 2] + 1)
                } else {
                    edited
                }
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_finds_its_word_and_a_stranger_finds_none() {
        let known = ["input_layernorm", "self_attn", "mlp"];
        assert_eq!(nearest("self_atn", known), Some("self_attn"));
        assert_eq!(nearest("MLP", known), Some("mlp"));
        assert_eq!(nearest("mpl", known), Some("mlp"));
        assert_eq!(nearest("inp", known), Some("input_layernorm"));
        assert_eq!(nearest("lm_head", known), None);
    }
}
