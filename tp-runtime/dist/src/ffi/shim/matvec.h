// Products with few rows, which cost what reading the matrix costs.
#pragma once

#include <ATen/core/Tensor.h>

namespace tp {

// Whether `matvec` takes these tensors, and is faster than a product of matrices.
bool is_for_matvec(const at::Tensor& input, const at::Tensor& weight);

// `[.., in]` by `[out, in]` → `[.., out]`; every number is summed in the same order, whatever the threads.
at::Tensor matvec(const at::Tensor& input, const at::Tensor& weight);

} // namespace tp
