//! Cross entropy on logits that stay sharded over the vocabulary (loss parallel).

use tch::{Kind, Tensor};

use crate::Result;
use crate::autograd::with_backward;
use crate::comm::ReduceOp;
use crate::dtensor::{DTensor, TensorError};
use crate::{error::InputError, inputs::check_range};
use tp_plan::{Placement, chunk};

/// The label that takes no part in a loss, as in `torch.nn.CrossEntropyLoss`.
pub const IGNORED_LABEL: i64 = -100;

const SITE: &str = "loss parallel cross entropy";

/// The labels a causal model predicts at each position: the next one, and none at the end.
///
/// # Shapes
/// `[batch, sequence]` → the same
///
/// # Errors
/// When the labels are no batch of sequences.
pub fn next_token_labels(labels: &Tensor) -> Result<Tensor> {
    let (shape, kind) = (labels.size(), labels.kind());
    if shape.len() != 2 || kind != Kind::Int64 {
        let name = "labels";
        return Err(InputError::Ids { name, shape, kind }.into());
    }
    let shifted = labels.f_roll([-1], [1])?;
    let _ = shifted.f_select(1, -1)?.f_fill_(IGNORED_LABEL)?;
    Ok(shifted)
}

/// The cross entropy of predicting each next label, summed over the labels that are predicted: the loss
/// of a causal model before it is divided by [`count`].
///
/// # Shapes
/// logits `[batch, sequence, vocabulary]`, labels `[batch, sequence]`, not shifted → a scalar
///
/// # Errors
/// As [`cross_entropy`].
pub fn next_token_sum(logits: &DTensor, labels: &Tensor) -> Result<Tensor> {
    check_labels(logits.shape(), labels)?;
    cross_entropy_sum(logits, &next_token_labels(labels)?)
}

/// How many labels are not [`IGNORED_LABEL`], as a scalar in f32.
///
/// # Errors
/// When libtorch cannot count them.
pub fn count(labels: &Tensor) -> Result<Tensor> {
    Ok(labels.f_not_equal(IGNORED_LABEL)?.f_sum(Kind::Float)?)
}

/// Mean cross entropy over the labels that are not [`IGNORED_LABEL`], in f32, on every rank.
///
/// # Shapes
/// As [`cross_entropy_sum`].
///
/// # Errors
/// As [`cross_entropy_sum`].
pub fn cross_entropy(logits: &DTensor, labels: &Tensor) -> Result<Tensor> {
    Ok(cross_entropy_sum(logits, labels)?.f_div(&count(labels)?)?)
}

/// Cross entropy summed over the labels that are not [`IGNORED_LABEL`], in f32, on every rank.
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
pub fn cross_entropy_sum(logits: &DTensor, labels: &Tensor) -> Result<Tensor> {
    compute(logits, labels).map_err(|error| TensorError::attach(SITE, logits.group(), error))
}

fn compute(logits: &DTensor, labels: &Tensor) -> Result<Tensor> {
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
        true => group.all_reduce(tensor, op, SITE),
        false => Ok(tensor),
    };
    let shape = local.size();
    let kind = local.kind();
    let (loss, backward) = tch::no_grad(|| {
        let width = own.end - own.start;
        let labels = labels.f_reshape([-1])?;
        // Not `-1` rows: a rank's part of a small vocabulary may be empty.
        let rows = local.f_reshape([labels.size()[0], width])?;
        let rows = rows.f_to_kind(Kind::Float)?;
        let counted = labels.f_not_equal(IGNORED_LABEL)?;
        let maximum = reduce(row_maximum(&rows)?, ReduceOp::Max)?;
        let exponentials = rows.f_sub(&maximum.f_unsqueeze(1)?)?.f_exp()?;
        let mine = labels
            .f_ge(own.start)?
            .f_logical_and(&labels.f_lt(own.end)?)?;
        let foreign = mine.f_logical_not()?;
        let column = labels.f_sub_scalar(own.start)?.f_masked_fill(&foreign, 0)?;
        let column = column.f_unsqueeze(1)?;
        let score = match width {
            0 => maximum.f_zeros_like()?,
            // Filled, not multiplied: another rank's label would make NaN of an infinite logit.
            _ => rows
                .f_gather(1, &column, false)?
                .f_squeeze_dim(1)?
                .f_sub(&maximum)?
                .f_masked_fill(&foreign, 0)?,
        };
        let total = exponentials.f_sum_dim_intlist(-1, false, Kind::Float)?;
        let sums = reduce(Tensor::f_stack(&[total, score], 0)?, ReduceOp::Sum)?;
        let (total, score) = (sums.f_get(0)?, sums.f_get(1)?);
        let losses = total.f_log()?.f_sub(&score)?.f_mul(&counted)?;
        let loss = losses.f_sum(Kind::Float)?;
        let backward = move |gradient: Tensor| {
            let weight = counted.f_to_kind(Kind::Float)?.f_mul(&gradient)?;
            let mut logits = exponentials.f_mul(&weight.f_div(&total)?.f_unsqueeze(1)?)?;
            if width > 0 {
                let hit = weight.f_mul(&mine)?.f_neg()?.f_unsqueeze(1)?;
                let _ = logits.f_scatter_add_(1, &column, &hit)?;
            }
            logits.f_to_kind(kind)?.f_reshape(&shape)
        };
        Ok::<_, crate::Error>((loss, backward))
    })?;
    Ok(with_backward(&local, loss, backward)?)
}

fn check_labels(logits: &[i64], labels: &Tensor) -> Result<()> {
    let (vocabulary, positions) = match logits.split_last() {
        Some((vocabulary, positions)) => (*vocabulary, positions),
        None => (0, logits),
    };
    if labels.size() != positions {
        return Err(InputError::Labels {
            found: labels.size(),
            wanted: positions.to_vec(),
        }
        .into());
    }
    let counted = labels.f_masked_fill(&labels.f_eq(IGNORED_LABEL)?, 0)?;
    Ok(check_range("labels", &counted, vocabulary)?)
}

fn row_maximum(rows: &Tensor) -> Result<Tensor> {
    Ok(match rows.size()[1] {
        0 => {
            let options = (Kind::Float, rows.device());
            Tensor::f_full([rows.size()[0]], f64::NEG_INFINITY, options)?
        }
        _ => rows.f_amax([-1i64].as_slice(), false)?,
    })
}
