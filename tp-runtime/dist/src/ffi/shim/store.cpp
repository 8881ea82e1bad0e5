// Stores, where the ranks of a c10d process group meet.

#include "c10d.h"
#include "guard.h"

#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

using std::chrono::milliseconds;

extern "C" {

// A store for the threads of this process.
tp::Store* tp_store_in_process(int64_t timeout) {
  TP_GUARD(nullptr, {
    auto store = c10::make_intrusive<c10d::HashStore>();
    store->setTimeout(milliseconds(timeout));
    return new tp::Store{std::move(store)};
  })
}

// A store for processes, which the one that `serve`s hosts.
tp::Store* tp_store_over_tcp(const char* host, uint16_t port, int serve, int64_t timeout) {
  TP_GUARD(nullptr, {
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serve != 0;
    options.waitWorkers = false;
    options.timeout = milliseconds(timeout);
    return new tp::Store{c10::make_intrusive<c10d::TCPStore>(host, options)};
  })
}

// The same store with `prefix` before its keys.
tp::Store* tp_store_prefixed(const tp::Store* store, const char* prefix) {
  TP_GUARD(nullptr, {
    return new tp::Store{c10::make_intrusive<c10d::PrefixStore>(prefix, store->store)};
  })
}

// The sum of all amounts under `key`, this one among them; below 0 on failure.
int64_t tp_store_add(const tp::Store* store, const char* key, int64_t amount) {
  TP_GUARD(-1, { return store->store->add(key, amount); })
}

// Waits until there is something under `key`.
int tp_store_wait(const tp::Store* store, const char* key) {
  TP_GUARD(-1, {
    store->store->wait({key});
    return 0;
  })
}

void tp_store_free(tp::Store* store) {
  delete store;
}

}
