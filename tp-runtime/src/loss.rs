//! Cross entropy on logits that stay sharded over the vocabulary (loss parallel).

use std::convert::Infallible;

use tch::{Kind, Tensor};

use crate::Result;
use crate::autograd::with_backward;
use crate::comm::ReduceOp;
use crate::dtensor::DTensor;
use crate::model::{InputError, check_range};
use crate::plan::{Placement, chunk};

/// The label that takes no part in a loss, as in `torch.nn.CrossEntropyLoss`.
pub const IGNORED_LABEL: i64 = -100;

/// The labels a causal model predicts at each position: the next one, and none at the end.
///
/// # Shapes
/// `[batch, sequence]` → the same
pub fn next_token_labels(labels: &Tensor) -> Tensor {
    let shifted = labels.roll([-1], [1]);
    let _ = shifted.select(1, -1).fill_(IGNORED_LABEL);
    shifted
}

/// The mean cross entropy of predicting each next label: the loss of a causal model.
///
/// # Shapes
/// logits `[batch, sequence, vocabulary]`, labels `[batch, sequence]`, not shifted → a scalar
///
/// # Errors
/// As [`cross_entropy`].
pub fn next_token(logits: &DTensor, labels: &Tensor) -> Result<Tensor> {
    check_labels(logits.shape(), labels)?;
    cross_entropy(logits, &next_token_labels(labels))
}

/// Mean cross entropy over the labels that are not [`IGNORED_LABEL`], in f32, on every rank.
///
/// Logits sharded over the vocabulary are never gathered: ranks exchange two numbers a position (the
/// maximum; the sum of exponentials with the label's logit), and the backward exchanges nothing.
///
/// # Shapes
/// logits `[.., vocabulary]`, labels `[..]` the same on every rank → a scalar
///
/// # Errors
/// When there is not one label for each row of logits, a label on the CPU is none of the vocabulary,
/// or a collective fails.
pub fn cross_entropy(logits: &DTensor, labels: &Tensor) -> Result<Tensor> {
    check_labels(logits.shape(), labels)?;
    let vocabulary = logits.shape().last().copied().unwrap_or_default();
    let sharded = logits.placement() == Placement::Shard(-1).normalized(logits.shape().len());
    let group = logits.group();
    let (local, own) = if sharded {
        (
            logits.local()?,
            chunk(vocabulary, group.rank(), group.size()),
        )
    } else {
        (logits.full()?, 0..vocabulary)
    };
    let reduce = |tensor: Tensor, op| match sharded {
        true => group.all_reduce(tensor, op, "loss parallel cross entropy"),
        false => Ok(tensor),
    };
    let shape = local.size();
    let kind = local.kind();
    let (loss, backward) = tch::no_grad(|| {
        let width = own.end - own.start;
        let labels = labels.reshape([-1]);
        // Not `-1` rows: a rank's part of a small vocabulary may be empty.
        let rows = local
            .reshape([labels.size()[0], width])
            .to_kind(Kind::Float);
        let counted = labels.not_equal(IGNORED_LABEL);
        let count = counted.sum(Kind::Float);
        let maximum = reduce(row_maximum(&rows), ReduceOp::Max)?;
        let exponentials = (&rows - maximum.unsqueeze(1)).exp();
        let mine = labels.ge(own.start).logical_and(&labels.lt(own.end));
        let column = (&labels - own.start)
            .masked_fill(&mine.logical_not(), 0)
            .unsqueeze(1);
        let score = match width {
            0 => maximum.zeros_like(),
            // Filled, not multiplied: another rank's label would make NaN of an infinite logit.
            _ => (rows.gather(1, &column, false).squeeze_dim(1) - &maximum)
                .masked_fill(&mine.logical_not(), 0),
        };
        let terms = Tensor::stack(
            &[exponentials.sum_dim_intlist(-1, false, Kind::Float), score],
            0,
        );
        let sums = reduce(terms, ReduceOp::Sum)?;
        let (total, score) = (sums.get(0), sums.get(1));
        let losses = (total.log() - score) * &counted;
        let loss = losses.sum(Kind::Float) / &count;
        let backward = move |gradient: Tensor| {
            let weight = counted.to_kind(Kind::Float) * (gradient / &count);
            let logits = &exponentials * (&weight / &total).unsqueeze(1);
            if width > 0 {
                let hit = (&weight * &mine).neg().unsqueeze(1);
                let _ = logits.shallow_clone().scatter_add_(1, &column, &hit);
            }
            Ok::<_, Infallible>(logits.to_kind(kind).reshape(&shape))
        };
        Ok::<_, crate::Error>((loss, backward))
    })?;
    Ok(with_backward(&local, loss, backward)?)
}

fn check_labels(logits: &[i64], labels: &Tensor) -> Result<(), InputError> {
    let (vocabulary, positions) = match logits.split_last() {
        Some((vocabulary, positions)) => (*vocabulary, positions),
        None => (0, logits),
    };
    if labels.size() != positions {
        return Err(InputError::Labels {
            found: labels.size(),
            wanted: positions.to_vec(),
        });
    }
    let counted = labels.masked_fill(&labels.eq(IGNORED_LABEL), 0);
    check_range("labels", &counted, vocabulary)
}

fn row_maximum(rows: &Tensor) -> Tensor {
    match rows.size()[1] {
        0 => Tensor::full(
            [rows.size()[0]],
            f64::NEG_INFINITY,
            (Kind::Float, rows.device()),
        ),
        _ => rows.amax([-1i64].as_slice(), false),
    }
}
