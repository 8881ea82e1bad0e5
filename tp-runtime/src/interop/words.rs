//! The words of transformers' `tp_plan`, and what each is here.

use super::entry::Entry;
use super::error::Fault;
use crate::plan::nearest::nearest;
use crate::plan::{Placement, StyleKind};

/// Words that a table of ours can say exactly; each is its parallel style in `transformers.distributed`.
const TRANSLATED: [&str; 10] = [
    "colwise",
    "rowwise",
    "colwise_gather_output",
    "colwise_rep",
    "rowwise_split_input",
    "rowwise_rep",
    "embedding_rowwise",
    "sequence_parallel",
    "replicated_with_grad_allreduce",
    "replicate",
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

/// What a word says.
///
/// # Errors
/// When no style here has its meaning, with the words that can be translated.
pub(super) fn translate(word: &str) -> Result<Entry, Fault> {
    use Placement::Replicate;
    let colwise = StyleKind::Colwise.style();
    let rowwise = StyleKind::Rowwise.style();
    Ok(match word {
        "colwise" => Some(colwise),
        "rowwise" => Some(rowwise),
        "colwise_gather_output" | "colwise_rep" => Some(colwise.output(Replicate)),
        "rowwise_split_input" | "rowwise_rep" | "embedding_rowwise" => {
            Some(rowwise.input(Replicate))
        }
        "sequence_parallel" => Some(StyleKind::SequenceParallel.style().local(true)),
        // A replicated parameter on sharded activations has its gradient summed by rule.
        "replicated_with_grad_allreduce" | "replicate" => None,
        _ if OTHERS.contains(&word) => {
            return Err(Fault::NoEquivalent {
                word: word.to_owned(),
                known: &TRANSLATED,
            });
        }
        _ => {
            return Err(Fault::Word {
                word: word.to_owned(),
                near: nearest(word, TRANSLATED.into_iter().chain(OTHERS)),
                known: &TRANSLATED,
            });
        }
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
            Err(fault) => panic!("{word}: {fault}"),
        };
        let cells = TRANSLATED.map(cell);
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
                matches!(translate(word), Err(Fault::NoEquivalent { .. })),
                "{word}"
            );
        }
        for (word, meant) in [("colwize", Some("colwise")), ("", None), ("expert", None)] {
            assert!(
                matches!(translate(word), Err(Fault::Word { near, .. }) if near == meant),
                "{word}"
            );
        }
    }
}
