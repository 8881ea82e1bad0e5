// Collectives of a c10d process group, whatever its backend.

#include "c10d.h"
#include "guard.h"

#include <stdexcept>

namespace {

tp::Work* work(c10::intrusive_ptr<c10d::Work> begun, std::vector<at::Tensor> tensors) {
  return new tp::Work{std::move(begun), std::move(tensors)};
}

} // namespace

extern "C" {

void tp_group_free(tp::Group* group) {
  delete group;
}

// Each of the following begins a collective; null on failure.

tp::Work* tp_all_reduce(const tp::Group* group, const at::Tensor* tensor, int max) {
  TP_GUARD(nullptr, {
    std::vector<at::Tensor> tensors{*tensor};
    c10d::AllreduceOptions options;
    options.reduceOp = max ? c10d::ReduceOp::MAX : c10d::ReduceOp::SUM;
    return work(group->backend->allreduce(tensors, options), tensors);
  })
}

tp::Work* tp_all_gather(const tp::Group* group, const at::Tensor* output, const at::Tensor* input) {
  TP_GUARD(nullptr, {
    std::vector<at::Tensor> tensors{*output, *input};
    return work(group->backend->_allgather_base(tensors[0], tensors[1]), tensors);
  })
}

tp::Work* tp_reduce_scatter(const tp::Group* group, const at::Tensor* output, const at::Tensor* input) {
  TP_GUARD(nullptr, {
    std::vector<at::Tensor> tensors{*output, *input};
    return work(group->backend->_reduce_scatter_base(tensors[0], tensors[1]), tensors);
  })
}

tp::Work* tp_broadcast(const tp::Group* group, const at::Tensor* tensor, int source) {
  TP_GUARD(nullptr, {
    std::vector<at::Tensor> tensors{*tensor};
    c10d::BroadcastOptions options;
    options.rootRank = source;
    return work(group->backend->broadcast(tensors, options), tensors);
  })
}

tp::Work* tp_barrier(const tp::Group* group) {
  TP_GUARD(nullptr, { return work(group->backend->barrier(), {}); })
}

// Completes the collective.
int tp_work_wait(const tp::Work* work) {
  TP_GUARD(-1, {
    if (!work->work->wait()) {
      throw std::runtime_error("the collective was aborted");
    }
    return 0;
  })
}

void tp_work_free(tp::Work* work) {
  delete work;
}

}
