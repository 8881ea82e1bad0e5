//! The known word a mistyped one most likely meant, at compile time and at run time.

/// Longer words are compared by their first bytes only.
const LONGEST: usize = 64;

/// Whether two words at this distance are near enough for one to be a mistyped other.
pub const fn is_near(distance: usize, a: &str, b: &str) -> bool {
    let longer = if a.len() > b.len() { a.len() } else { b.len() };
    distance <= longer / 3
}

/// The word of `known` nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            is_near(*distance, word, candidate) || is_begun(word, candidate)
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
pub const fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (first_bytes(a), first_bytes(b));
    let mut table = [[0; LONGEST + 1]; LONGEST + 1];
    let mut i = 0;
    while i <= a.len() {
        let mut j = 0;
        while j <= b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[i - 1][j - 1] + !same(a[i - 1], b[j - 1]) as usize;
                let edited = min(replaced, min(table[i - 1][j], table[i][j - 1]) + 1);
                if i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) {
                    min(edited, table[i - 2][j - 2] + 1)
                } else {
                    edited
                }
            };
            j += 1;
        }
        i += 1;
    }
    table[a.len()][b.len()]
}

const fn same(a: u8, b: u8) -> bool {
    a.eq_ignore_ascii_case(&b)
}

const fn first_bytes(word: &str) -> &[u8] {
    let bytes = word.as_bytes();
    bytes.split_at(min(bytes.len(), LONGEST)).0
}

const fn min(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edit_counts_one() {
        assert_eq!(distance("q_proj", "q_proj"), 0);
        assert_eq!(distance("q_prj", "q_proj"), 1);
        assert_eq!(distance("q_proj", "v_proj"), 1);
        assert_eq!(distance("mpl", "mlp"), 1);
        assert_eq!(distance("Norm", "norms"), 1);
        assert_eq!(distance("", "norm"), 4);
    }

    #[test]
    fn a_typo_finds_its_word_and_a_stranger_finds_none() {
        let known = ["LlamaForCausalLM", "Qwen2ForCausalLM"];
        assert_eq!(nearest("LlamaForCasualLM", known), Some("LlamaForCausalLM"));
        assert_eq!(nearest("Mamba", known), None);
        assert_eq!(nearest("qwen", known), Some("Qwen2ForCausalLM"));
    }
}
