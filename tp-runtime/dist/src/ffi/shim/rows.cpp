// Norms and rotations of rows of f32 on the CPU, each in one pass instead of eight calls.

#include "guard.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace {

// Elements that are worth a thread.
constexpr int64_t GRAIN = 16384;

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

// Shares the rows of `width` elements among libtorch's threads.
template <typename Body>
void each_row(int64_t rows, int64_t width, const Body& body) {
  at::parallel_for(0, rows, std::max<int64_t>(1, GRAIN / std::max<int64_t>(1, width)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      body(row);
    }
  });
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
    each_row(width == 0 ? 0 : input->numel() / width, width, [&](int64_t row) {
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

// `input`, `[batch, sequence, heads, head_dim]`, and tables, `[sequence, 1, width]`, contiguous f32; the sines of the
// first half are negated.
at::Tensor* tp_rotate(const at::Tensor* input, const at::Tensor* cosines, const at::Tensor* sines) {
  TP_GUARD(nullptr, {
    at::Tensor output = at::empty_like(*input);
    const int64_t sequence = input->size(1);
    const int64_t heads = input->size(2);
    const int64_t features = input->size(3);
    const int64_t width = cosines->size(-1);
    const int64_t half = width / 2;
    const float* from = input->const_data_ptr<float>();
    const float* cosine = cosines->const_data_ptr<float>();
    const float* sine = sines->const_data_ptr<float>();
    float* to = output.mutable_data_ptr<float>();
    each_row(input->numel() / std::max<int64_t>(1, features), features, [&](int64_t row) {
      const int64_t place = row / heads % sequence;
      const float* x = from + row * features;
      const float* c = cosine + place * width;
      const float* s = sine + place * width;
      float* y = to + row * features;
      for (int64_t at = 0; at < half; ++at) {
        y[at] = x[at] * c[at] + x[at + half] * s[at];
        y[at + half] = x[at + half] * c[at + half] + x[at] * s[at + half];
      }
      std::copy(x + width, x + features, y + width);
    });
    return new at::Tensor(std::move(output));
  })
}

}
