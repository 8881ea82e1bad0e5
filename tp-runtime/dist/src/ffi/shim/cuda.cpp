// Where a program waits for its GPU, and work that is recorded once and asked for again.

#include "guard.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/Event.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>

namespace tp {

// What was asked of a GPU between the beginning and the end of a capture.
struct Graph {
  explicit Graph(c10::Device device)
      : device(device),
        before(c10::cuda::getCurrentCUDAStream(device.index())),
        stream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {}

  // From here on, this thread's work goes to a stream of its own: the default one cannot be captured.
  void leave() {
    wait(stream, before);
    c10::cuda::setCurrentCUDAStream(stream);
  }

  void come_back() {
    c10::cuda::setCurrentCUDAStream(before);
    wait(before, stream);
  }

  static void wait(c10::cuda::CUDAStream waiting, c10::cuda::CUDAStream awaited) {
    c10::Event event(c10::DeviceType::CUDA);
    event.record(awaited.unwrap());
    event.block(waiting.unwrap());
  }

  c10::Device device;
  c10::cuda::CUDAStream before;
  c10::cuda::CUDAStream stream;
  at::cuda::CUDAGraph graph;
};

} // namespace tp

extern "C" {

// From now on, every call of this process that waits for a GPU fails; or, with 0, none does.
int tp_cuda_forbid_waits(int forbid) {
  TP_GUARD(-1, {
    c10::cuda::warning_state().set_sync_debug_mode(
        forbid ? c10::cuda::SyncDebugMode::L_ERROR : c10::cuda::SyncDebugMode::L_DISABLED);
    return 0;
  })
}

// Begins to record what this thread asks of a GPU, which does not do it; null on failure.
tp::Graph* tp_graph_begin(int device) {
  TP_GUARD(nullptr, {
    const c10::Device gpu(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device));
    const c10::DeviceGuard guard(gpu);
    auto graph = std::make_unique<tp::Graph>(gpu);
    graph->leave();
    try {
      // Other threads go on with their own work.
      graph->graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    } catch (...) {
      graph->come_back();
      throw;
    }
    return graph.release();
  })
}

// Ends the recording, which this thread began.
int tp_graph_end(tp::Graph* graph) {
  TP_GUARD(-1, {
    const c10::DeviceGuard guard(graph->device);
    try {
      graph->graph.capture_end();
    } catch (...) {
      graph->come_back();
      throw;
    }
    graph->come_back();
    return 0;
  })
}

// Asks for all of it again.
int tp_graph_replay(tp::Graph* graph) {
  TP_GUARD(-1, {
    const c10::DeviceGuard guard(graph->device);
    graph->graph.replay();
    return 0;
  })
}

void tp_graph_free(tp::Graph* graph) {
  delete graph;
}

}
