//! Uneven chunks for collectives that only know even ones: dimension first, padded, and back.

use tch::Tensor;

use crate::Result;

/// `tensor` with `dim` first and padded with zeros to `rows` rows.
pub(super) fn pack(tensor: &Tensor, dim: i64, rows: i64) -> Result<Tensor> {
    let front = tensor.f_movedim_int(dim, 0)?;
    let missing = rows - front.size()[0];
    if missing == 0 {
        return Ok(front.f_contiguous()?);
    }
    let padding = front.f_new_zeros(
        with_rows(&front, missing),
        (front.f_kind()?, front.device()),
    )?;
    Ok(Tensor::f_cat(&[front, padding], 0)?)
}

/// The first `length` rows, as dimension `dim` again.
pub(super) fn unpack(packed: &Tensor, dim: i64, length: i64) -> Result<Tensor> {
    Ok(packed
        .f_narrow(0, 0, length)?
        .f_movedim_int(0, dim)?
        .f_contiguous()?)
}

/// Memory for `rows` rows like those of `packed`.
pub(super) fn room(packed: &Tensor, rows: i64) -> Result<Tensor> {
    Ok(Tensor::f_empty(
        with_rows(packed, rows),
        (packed.f_kind()?, packed.device()),
    )?)
}

fn with_rows(tensor: &Tensor, rows: i64) -> Vec<i64> {
    let mut shape = tensor.size();
    shape[0] = rows;
    shape
}
