// A node of the autograd graph whose backward is a Rust closure.

#include "guard.h"

#include <c10/core/AutogradState.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace {

// Takes ownership of `gradient`; returns an owned tensor, or null with this thread's message set.
using Run = at::Tensor* (*)(void* closure, at::Tensor* gradient);
using Drop = void (*)(void* closure);

class RustBackward final : public torch::autograd::Node {
 public:
  RustBackward(const at::Tensor& input, void* closure, Run run, Drop drop)
      : closure_(closure, drop), run_(run), shape_(input.sizes().vec()) {}

  std::string name() const override {
    return "RustBackward";
  }

  // Called once a backward pass that does not keep the graph is through with this node.
  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    closure_.reset();
  }

 protected:
  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
    if (at::GradMode::is_enabled()) {
      throw std::runtime_error("a collective has no second derivative: run backward without `create_graph`");
    }
    // Two threads may run backward through one graph; the closure is only `Send`.
    std::lock_guard<std::mutex> lock(mutex_);
    if (!closure_) {
      throw std::runtime_error("backward goes through the graph a second time: keep it with `keep_graph` the first time");
    }
    // A gradient that is undefined on one rank only must not keep that rank out of a collective.
    at::Tensor gradient = std::move(gradients[0]);
    if (!gradient.defined()) {
      gradient = input_metadata(0).zeros_like();
    }
    std::unique_ptr<at::Tensor> result(run_(closure_.get(), new at::Tensor(std::move(gradient))));
    if (!result) {
      throw std::runtime_error(tp::last_error());
    }
    // Autograd would sum a gradient that is too large until it fits.
    if (result->sizes() != at::IntArrayRef(shape_)) {
      std::ostringstream text;
      text << "a backward function gave a gradient of shape " << result->sizes() << " for an input of shape "
           << at::IntArrayRef(shape_);
      throw std::runtime_error(text.str());
    }
    return {std::move(*result)};
  }

 private:
  std::unique_ptr<void, Drop> closure_;
  Run run_;
  // The input's.
  std::vector<int64_t> shape_;
};

} // namespace

extern "C" {

// `output` with a history whose backward calls `run`; takes ownership of `closure` in any case.
at::Tensor* tp_attach_backward(
    const at::Tensor* input, const at::Tensor* output, void* closure, Run run, Drop drop) {
  TP_GUARD(nullptr, {
    std::unique_ptr<void, Drop> owned(closure, drop);
    auto node = std::shared_ptr<RustBackward>(
        new RustBackward(*input, owned.get(), run, drop), torch::autograd::deleteNode);
    owned.release();
    node->set_next_edges(torch::autograd::collect_next_edges(*input));
    // A detached alias: `output` may be `input` itself, whose history must stay as it is.
    at::Tensor attached = output->detach();
    torch::autograd::create_gradient_edge(attached, node);
    return new at::Tensor(std::move(attached));
  })
}

// Whether this thread records operations.
int tp_is_recording() {
  TP_GUARD(-1, { return at::GradMode::is_enabled(); })
}

// Whether autograd would record an operation on `tensor`.
int tp_is_recorded(const at::Tensor* tensor) {
  TP_GUARD(-1, { return at::GradMode::is_enabled() && tensor->requires_grad(); })
}

// Makes `gradient` the parameter's gradient, to which backward adds in place; its kind may be another.
int tp_set_gradient(const at::Tensor* parameter, const at::Tensor* gradient) {
  TP_GUARD(-1, {
    at::Tensor leaf = *parameter;
    leaf.mutable_grad() = at::Tensor();
    leaf.set_grad_dtype(gradient->scalar_type());
    leaf.mutable_grad() = *gradient;
    return 0;
  })
}

// Goes back from `output`, whose gradient is given.
int tp_backward(const at::Tensor* output, const at::Tensor* gradient) {
  TP_GUARD(-1, {
    output->backward(*gradient);
    return 0;
  })
}

// Whether nobody else can see the tensor's memory.
int tp_is_unshared(const at::Tensor* tensor) {
  TP_GUARD(-1, { return tensor->use_count() == 1 && tensor->storage().use_count() == 1; })
}

// Makes backward passes started by this thread run on this thread, whatever the device: ranks that
// are threads of one process would otherwise wait for each other on a device's one engine thread.
int tp_run_backward_on_this_thread() {
  TP_GUARD(-1, {
    c10::AutogradState::get_tls_state().set_multithreading_enabled(false);
    return 0;
  })
}

}
