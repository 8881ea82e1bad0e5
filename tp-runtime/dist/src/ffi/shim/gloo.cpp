// Makes Gloo process groups.

#include "c10d.h"
#include "gloo.h"
#include "guard.h"

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

extern "C" {

// Waits until all ranks have come to the store, as long as the `meeting` may take; collectives then have
// their own timeout.
tp::Group* tp_group_gloo(const tp::Store* store, int rank, int size, int64_t meeting, int64_t timeout) {
  TP_GUARD(nullptr, {
    auto options = c10d::ProcessGroupGloo::Options::create_default(std::chrono::milliseconds(meeting));
    auto backend = c10::make_intrusive<c10d::ProcessGroupGloo>(store->store, rank, size, options);
    backend->setTimeout(std::chrono::milliseconds(timeout));
    return new tp::Group{std::move(backend)};
  })
}

}
