// Bytes of tensors that a thread allocates, as libtorch's allocators report them to a profiler.

#include "guard.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

namespace {

// Autograd's threads inherit it from the thread that starts them.
class Meter final : public c10::MemoryReportingInfoBase {
 public:
  explicit Meter(bool cuda) : type_(cuda ? c10::DeviceType::CUDA : c10::DeviceType::CPU) {}

  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device device) override {
    if (device.type() != type_) {
      return;
    }
    const int64_t held = held_.fetch_add(bytes) + bytes;
    int64_t peak = peak_.load();
    while (held > peak && !peak_.compare_exchange_weak(peak, held)) {
    }
  }

  bool memoryProfilingEnabled() const override {
    return true;
  }

  int64_t held() const {
    return held_.load();
  }

  int64_t peak() const {
    return peak_.load();
  }

 private:
  const c10::DeviceType type_;
  std::atomic<int64_t> held_{0};
  std::atomic<int64_t> peak_{0};
};

} // namespace

extern "C" {

// Starts to measure what this thread allocates on the CPU, or on GPUs.
int tp_memory_start(int cuda) {
  TP_GUARD(-1, {
    c10::ThreadLocalDebugInfo::_push(c10::DebugInfoKind::PROFILER_STATE, std::make_shared<Meter>(cuda != 0));
    return 0;
  })
}

// Ends the measurement that this thread started last: what is left of its allocations, and the most there was.
int tp_memory_stop(int64_t* held, int64_t* peak) {
  TP_GUARD(-1, {
    const auto info = c10::ThreadLocalDebugInfo::_pop(c10::DebugInfoKind::PROFILER_STATE);
    const auto& meter = dynamic_cast<const Meter&>(*info);
    *held = meter.held();
    *peak = meter.peak();
    return 0;
  })
}

}
