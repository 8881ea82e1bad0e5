// Products with few rows, which cost what reading the matrix costs: each row of it is read once, by one thread.

#include "matvec.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/BFloat16.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace {

// Beyond so many rows a product of matrices is faster.
constexpr int64_t MOST_ROWS = 8;

// Elements that are worth a thread.
constexpr int64_t GRAIN = 32768;

constexpr int64_t WIDTH = 16;
using Lanes = float __attribute__((vector_size(64)));
using Words = uint32_t __attribute__((vector_size(64)));
using Halves = uint16_t __attribute__((vector_size(32)));

#define TP_INLINE static inline __attribute__((always_inline))

TP_INLINE void load(const float* from, Lanes& to) {
  std::memcpy(&to, from, sizeof(to));
}

TP_INLINE void load(const c10::BFloat16* from, Lanes& to) {
  Halves halves;
  std::memcpy(&halves, from, sizeof(halves));
  const Words words = __builtin_convertvector(halves, Words) << 16;
  std::memcpy(&to, &words, sizeof(to));
}

template <typename T>
struct Product {
  const T* matrix;
  const T* input;
  T* output;
  int64_t in;
  int64_t out;
};

// The products of one row of the matrix, read once and in order as memory is fastest, with ROWS rows of the input.
template <int ROWS, typename T>
TP_INLINE void dots(const Product<T>& given, const T* row, T* output) {
  // Several sums of each, or every addition would wait for the one before.
  constexpr int SUMS = ROWS == 1 ? 4 : ROWS == 2 ? 2 : 1;
  Lanes sums[ROWS][SUMS] = {};
  int64_t at = 0;
  for (; at + SUMS * WIDTH <= given.in; at += SUMS * WIDTH) {
    for (int sum = 0; sum < SUMS; ++sum) {
      Lanes w;
      load(row + at + sum * WIDTH, w);
      for (int one = 0; one < ROWS; ++one) {
        Lanes x;
        load(given.input + one * given.in + at + sum * WIDTH, x);
        sums[one][sum] += w * x;
      }
    }
  }
  for (int one = 0; one < ROWS; ++one) {
    float total = 0;
    for (int sum = 0; sum < SUMS; ++sum) {
      for (int lane = 0; lane < WIDTH; ++lane) {
        total += sums[one][sum][lane];
      }
    }
    for (int64_t rest = at; rest < given.in; ++rest) {
      total += static_cast<float>(row[rest]) * static_cast<float>(given.input[one * given.in + rest]);
    }
    output[one * given.out] = total;
  }
}

// Rows `begin` to `end` of the matrix.
template <int ROWS, typename T>
TP_INLINE void product(const Product<T>& given, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    dots<ROWS>(given, given.matrix + row * given.in, given.output + row);
  }
}

// The same code for what the processor has.
#if defined(__x86_64__)
template <int ROWS, typename T>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))) void with_512_bits(const Product<T>& given, int64_t begin, int64_t end) {
  product<ROWS>(given, begin, end);
}

template <int ROWS, typename T>
__attribute__((target("avx2,fma"))) void with_256_bits(const Product<T>& given, int64_t begin, int64_t end) {
  product<ROWS>(given, begin, end);
}
#endif

template <int ROWS, typename T>
void plain(const Product<T>& given, int64_t begin, int64_t end) {
  product<ROWS>(given, begin, end);
}

template <typename T>
using Run = void (*)(const Product<T>&, int64_t, int64_t);

template <int ROWS, typename T>
Run<T> fastest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return with_512_bits<ROWS, T>;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return with_256_bits<ROWS, T>;
  }
#endif
  return plain<ROWS, T>;
}

template <typename T>
void run(const at::Tensor& input, const at::Tensor& weight, at::Tensor& output) {
  static const Run<T> by_rows[MOST_ROWS] = {fastest<1, T>(), fastest<2, T>(), fastest<3, T>(), fastest<4, T>(),
                                            fastest<5, T>(), fastest<6, T>(), fastest<7, T>(), fastest<8, T>()};
  const int64_t in = weight.size(1);
  const int64_t out = weight.size(0);
  const auto best = by_rows[input.numel() / in - 1];
  const Product<T> given{
      weight.const_data_ptr<T>(), input.const_data_ptr<T>(), output.mutable_data_ptr<T>(), in, out};
  at::parallel_for(0, out, std::max<int64_t>(1, GRAIN / in), [&](int64_t begin, int64_t end) {
    best(given, begin, end);
  });
}

} // namespace

namespace tp {

bool is_for_matvec(const at::Tensor& input, const at::Tensor& weight) {
  const auto kind = input.scalar_type();
  return input.device().is_cpu() && weight.device().is_cpu() && weight.scalar_type() == kind &&
      (kind == at::kFloat || kind == at::kBFloat16) && weight.dim() == 2 && weight.is_contiguous() &&
      input.dim() > 0 && weight.numel() > 0 && input.numel() > 0 && input.size(-1) == weight.size(1) &&
      input.numel() <= MOST_ROWS * weight.size(1);
}

at::Tensor matvec(const at::Tensor& input, const at::Tensor& weight) {
  auto shape = input.sizes().vec();
  shape.back() = weight.size(0);
  at::Tensor output = at::empty(shape, input.options());
  const at::Tensor rows = input.contiguous();
  if (input.scalar_type() == at::kFloat) {
    run<float>(rows, weight, output);
  } else {
    run<c10::BFloat16>(rows, weight, output);
  }
  return output;
}

} // namespace tp
