// What the shim hands to Rust for libtorch's process groups.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace tp {

struct Store {
  c10::intrusive_ptr<c10d::Store> store;
};

struct Group {
  c10::intrusive_ptr<c10d::Backend> backend;
};

struct Work {
  c10::intrusive_ptr<c10d::Work> work;
  // What the collective reads and writes until it completes.
  std::vector<at::Tensor> tensors;
};

} // namespace tp
