// y = x Wᵀ + b where libtorch's own way is not the fastest: few rows on the CPU, and processors that MKL neglects.

#include "guard.h"
#include "matvec.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// oneDNN's product with the transpose of `weight`, which libtorch itself keeps for 16-bit floats.
at::Tensor onednn(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  using Signature = at::Tensor(
      const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, std::string_view,
      c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto product = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                                  .typed<Signature>();
  return product.call(input, weight, bias, "none", c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

// The same with its backward, whose two products are oneDNN's, too.
struct OneDnnLinear : torch::autograd::Function<OneDnnLinear> {
  static Variable forward(
      AutogradContext* context, const Variable& input, const Variable& weight, const std::optional<at::Tensor>& bias) {
    // The input is for the gradient of the weight, which a frozen one has not.
    context->save_for_backward({weight.requires_grad() ? input : Variable(), weight});
    context->saved_data["shape"] = input.sizes();
    context->saved_data["has_bias"] = bias.has_value();
    return onednn(input, weight, bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    if (at::GradMode::is_enabled()) {
      throw std::runtime_error("a linear layer on oneDNN has no second derivative: run backward without `create_graph`");
    }
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& input = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor gradient = gradients[0].reshape({-1, weight.size(0)});
    variable_list out(3);
    if (context->needs_input_grad(0)) {
      out[0] = onednn(gradient, weight.t(), std::nullopt).view(context->saved_data["shape"].toIntVector());
    }
    if (context->needs_input_grad(1)) {
      const at::Tensor rows = input.reshape({-1, weight.size(1)});
      out[1] = onednn(gradient.t(), rows.t(), std::nullopt);
    }
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2)) {
      out[2] = gradient.sum(0);
    }
    return out;
  }
};

// MKL runs code for older processors where the processor is not Intel's.
bool prefers_onednn() {
#if defined(__x86_64__)
  static const bool prefers = at::globalContext().hasMKLDNN() && !__builtin_cpu_is("intel");
  return prefers;
#else
  return false;
#endif
}

at::Tensor apply(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const bool is_recorded = at::GradMode::is_enabled() &&
      (input.requires_grad() || weight.requires_grad() || (bias && bias->requires_grad()));
  if (!is_recorded && tp::is_for_matvec(input, weight)) {
    at::Tensor output = tp::matvec(input, weight);
    return bias ? output.add_(*bias) : output;
  }
  const bool is_plain = input.device().is_cpu() && input.scalar_type() == at::kFloat &&
      weight.scalar_type() == at::kFloat && input.numel() > 0 && weight.numel() > 0;
  return is_plain && prefers_onednn() ? OneDnnLinear::apply(input, weight, bias) : at::linear(input, weight, bias);
}

} // namespace

extern "C" {

// `bias` may be null; null on failure.
at::Tensor* tp_linear(const at::Tensor* input, const at::Tensor* weight, const at::Tensor* bias) {
  TP_GUARD(nullptr, {
    const auto added = bias ? std::optional<at::Tensor>(*bias) : std::nullopt;
    return new at::Tensor(apply(*input, *weight, added));
  })
}

}
