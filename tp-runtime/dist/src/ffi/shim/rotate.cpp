// Rotations of queries and keys in one pass instead of nine calls.

#include "guard.h"
#include "rows.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>

extern "C" {

// `input`, `[batch, sequence, heads, head_dim]`, and tables, `[sequence, 1, width]` or `[batch, sequence, 1, width]`,
// contiguous f32; the sines of the first half are negated.
at::Tensor* tp_rotate(const at::Tensor* input, const at::Tensor* cosines, const at::Tensor* sines) {
  TP_GUARD(nullptr, {
    at::Tensor output = at::empty_like(*input);
    // Positions that the tables have: of one row, or of all.
    const int64_t places = cosines->numel() / std::max<int64_t>(1, cosines->size(-1));
    const int64_t heads = input->size(2);
    const int64_t features = input->size(3);
    const int64_t width = cosines->size(-1);
    const int64_t half = width / 2;
    const float* from = input->const_data_ptr<float>();
    const float* cosine = cosines->const_data_ptr<float>();
    const float* sine = sines->const_data_ptr<float>();
    float* to = output.mutable_data_ptr<float>();
    tp::each_row(input->numel() / std::max<int64_t>(1, features), features, [&](int64_t row) {
      const int64_t place = row / heads % places;
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
