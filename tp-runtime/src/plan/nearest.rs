//! The known word a mistyped one most likely meant, at compile time and at run time.

/// Longer words are compared by their first bytes only.
const LONGEST: usize = 64;

/// Whether two words at this distance are near enough for one to be a mistyped other.
pub(crate) const fn is_near(distance: usize, a: &str, b: &str) -> bool {
    let longer = if a.len() > b.len() { a.len() } else { b.len() };
    distance <= longer / 3
}

/// The word of `known` nearest to `word`, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| is_near(*distance, word, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, with a change of case counted as nothing.
pub(crate) const fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (first_bytes(a), first_bytes(b));
    let mut row = [0; LONGEST + 1];
    let mut j = 0;
    while j <= b.len() {
        row[j] = j;
        j += 1;
    }
    let mut i = 0;
    while i < a.len() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        let mut j = 0;
        while j < b.len() {
            let substituted = diagonal + !a[i].eq_ignore_ascii_case(&b[j]) as usize;
            diagonal = row[j + 1];
            row[j + 1] = min(substituted, min(diagonal, row[j]) + 1);
            j += 1;
        }
        i += 1;
    }
    row[b.len()]
}

const fn first_bytes(word: &str) -> &[u8] {
    let bytes = word.as_bytes();
    bytes.split_at(min(bytes.len(), LONGEST)).0
}

const fn min(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}
