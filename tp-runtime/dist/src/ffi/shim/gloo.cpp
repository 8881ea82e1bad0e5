// Makes Gloo process groups.

#include "c10d.h"
#include "gloo.h"
#include "guard.h"

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

using std::chrono::milliseconds;

extern "C" {

// Waits until all ranks have come to the store, as long as the `meeting` may take; collectives then have
// their own timeout. Without an address, libtorch reads the interface from the environment.
tp::Group* tp_group_gloo(
    const tp::Store* store, int rank, int size, const char* address, int64_t meeting, int64_t timeout) {
  TP_GUARD(nullptr, {
    using Gloo = c10d::ProcessGroupGloo;
    const milliseconds patience(meeting);
    auto options = address ? Gloo::Options::create(patience) : Gloo::Options::create_default(patience);
    if (address) {
      options->devices.push_back(Gloo::createDeviceForHostname(address, c10d::getDefaultGlooLazyInit()));
    }
    auto backend = c10::make_intrusive<Gloo>(store->store, rank, size, options);
    backend->setTimeout(milliseconds(timeout));
    return new tp::Group{std::move(backend)};
  })
}

}
