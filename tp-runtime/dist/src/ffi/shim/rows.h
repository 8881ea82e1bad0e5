// Work on the rows of a tensor, shared among libtorch's threads.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>

namespace tp {

// Calls `body` with the number of each row of `width` elements.
template <typename Body>
void each_row(int64_t rows, int64_t width, const Body& body) {
  // Elements that are worth a thread.
  constexpr int64_t worth = 16384;
  const int64_t grain = std::max<int64_t>(1, worth / std::max<int64_t>(1, width));
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      body(row);
    }
  });
}

} // namespace tp
