//! The words of transformers' `tp_plan`, and what each is here.

use super::error::EntryErrorKind;
use crate::plan::nearest::nearest;
use crate::plan::{Placement, Style, StyleKind};

const COLWISE: Style = StyleKind::Colwise.style();
const ROWWISE: Style = StyleKind::Rowwise.style();
const SEQUENCE_PARALLEL: Style = StyleKind::SequenceParallel.style();

/// Words that a cell of a table says exactly, each a parallel style in `transformers.distributed`.
const TRANSLATED: [(&str, Option<Style>); 10] = [
    ("colwise", Some(COLWISE)),
    ("rowwise", Some(ROWWISE)),
    (
        "colwise_gather_output",
        Some(COLWISE.output(Placement::Replicate)),
    ),
    ("colwise_rep", Some(COLWISE.output(Placement::Replicate))),
    (
        "rowwise_split_input",
        Some(ROWWISE.input(Placement::Replicate)),
    ),
    ("rowwise_rep", Some(ROWWISE.input(Placement::Replicate))),
    (
        "embedding_rowwise",
        Some(ROWWISE.input(Placement::Replicate)),
    ),
    ("sequence_parallel", Some(SEQUENCE_PARALLEL.local(true))),
    // A replicated parameter on sharded activations has its gradient summed by rule.
    ("replicated_with_grad_allreduce", None),
    ("replicate", None),
];

/// Words that no style here means, those of transformers 4 last.
const OTHERS: [&str; 15] = [
    "packed_colwise",
    "packed_rowwise",
    "grouped_gemm",
    "ep_router",
    "megamoe_router",
    "moe_tp_experts",
    "megamoe_experts",
    "moe_identity_expert",
    "mla_kv_a_proj",
    "all_reduce",
    "local_colwise",
    "local_rowwise",
    "local_packed_rowwise",
    "local",
    "gather",
];

/// The cell that a word stands for.
///
/// # Errors
/// When no style here has its meaning, with the words that can be translated.
pub(super) fn translate(word: &str) -> Result<Option<Style>, EntryErrorKind> {
    if let Some((_, style)) = TRANSLATED.iter().find(|(known, _)| *known == word) {
        return Ok(*style);
    }
    let (word, known) = (word.to_owned(), TRANSLATED.map(|(word, _)| word).to_vec());
    Err(match OTHERS.contains(&word.as_str()) {
        true => EntryErrorKind::NoEquivalent { word, known },
        false => EntryErrorKind::Word {
            near: nearest(&word, known.iter().copied().chain(OTHERS)),
            word,
            known,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_translated_word_has_a_cell() {
        let cell = |word: &str| match translate(word) {
            Ok(Some(style)) => style.to_string(),
            Ok(None) => "_".to_owned(),
            Err(error) => panic!("{word}: {error}"),
        };
        let cells = TRANSLATED.map(|(word, _)| cell(word));
        assert_eq!(
            cells,
            [
                "Colwise",
                "Rowwise",
                "Colwise(output: Replicate)",
                "Colwise(output: Replicate)",
                "Rowwise(input: Replicate)",
                "Rowwise(input: Replicate)",
                "Rowwise(input: Replicate)",
                "SequenceParallel(local: true)",
                "_",
                "_",
            ]
        );
    }

    #[test]
    fn no_other_word_is_guessed() {
        for word in OTHERS {
            assert!(
                matches!(translate(word), Err(EntryErrorKind::NoEquivalent { .. })),
                "{word}"
            );
        }
        for (word, meant) in [("colwize", Some("colwise")), ("", None), ("expert", None)] {
            assert!(
                matches!(translate(word), Err(EntryErrorKind::Word { near, .. }) if near == meant),
                "{word}"
            );
        }
    }
}
