// Root-mean-square norms in one pass instead of eight calls.

#include "guard.h"
#include "rows.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>

#include <cmath>

namespace {

// Partial sums, so that they can be added at once.
constexpr int64_t LANES = 16;

float sum_of_squares(const float* row, int64_t width) {
  float sums[LANES] = {};
  int64_t at = 0;
  for (; at + LANES <= width; at += LANES) {
    for (int64_t lane = 0; lane < LANES; ++lane) {
      sums[lane] += row[at + lane] * row[at + lane];
    }
  }
  float total = 0;
  for (; at < width; ++at) {
    total += row[at] * row[at];
  }
  for (const float sum : sums) {
    total += sum;
  }
  return total;
}

} // namespace

extern "C" {

// `input`, `[.., width]`, and `weight`, `[width]`, contiguous f32; scaled by `offset` plus the weight.
at::Tensor* tp_rms_norm(const at::Tensor* input, const at::Tensor* weight, double epsilon, double offset) {
  TP_GUARD(nullptr, {
    at::Tensor output = at::empty_like(*input);
    const int64_t width = weight->numel();
    const float* from = input->const_data_ptr<float>();
    const float* scale = weight->const_data_ptr<float>();
    float* to = output.mutable_data_ptr<float>();
    const float added = static_cast<float>(offset);
    tp::each_row(width == 0 ? 0 : input->numel() / width, width, [&](int64_t row) {
      const float* x = from + row * width;
      float* y = to + row * width;
      const float mean = sum_of_squares(x, width) / static_cast<float>(width);
      const float factor = 1.0f / std::sqrt(mean + static_cast<float>(epsilon));
      for (int64_t at = 0; at < width; ++at) {
        y[at] = (x[at] * factor) * (scale[at] + added);
      }
    });
    return new at::Tensor(std::move(output));
  })
}

}
