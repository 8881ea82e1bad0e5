//! Ranks that no longer hold the same.

/// Ranks that hold different numbers where they hold the same parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{parameter}` has drifted apart: its {what} on {} is not what {dimension} rank {first} holds; \
     give every rank the same inputs, and make the same updates on each",
    ranks_of(.dimension, .ranks)
)]
pub struct DriftError {
    /// The first such parameter.
    pub parameter: String,
    /// `value` or `gradient`.
    pub what: &'static str,
    /// The dimension of the mesh in which ranks are counted, such as `tp`.
    pub dimension: &'static str,
    /// The first rank that holds it.
    pub first: usize,
    /// The ranks that hold something else.
    pub ranks: Vec<usize>,
}

fn ranks_of(dimension: &str, ranks: &[usize]) -> String {
    let numbers: Vec<String> = ranks.iter().map(usize::to_string).collect();
    let word = if ranks.len() == 1 { "rank" } else { "ranks" };
    format!("{dimension} {word} {}", numbers.join(", "))
}
