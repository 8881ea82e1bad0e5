// Makes NCCL process groups.

#include "c10d.h"
#include "guard.h"

#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

extern "C" {

// The ranks meet at the first collective.
tp::Group* tp_group_nccl(const tp::Store* store, int rank, int size, int64_t timeout) {
  TP_GUARD(nullptr, {
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = std::chrono::milliseconds(timeout);
    return new tp::Group{c10::make_intrusive<c10d::ProcessGroupNCCL>(store->store, rank, size, options)};
  })
}

}
