// libtorch's fused AdamW: one pass over each parameter instead of a dozen.

#include "guard.h"

#include <ATen/ops/_fused_adamw.h>
#include <c10/core/GradMode.h>

#include <vector>

extern "C" {

// Each array holds `count` tensors; the state is updated in place. `steps` counts the step taken.
int tp_fused_adamw(
    size_t count, const at::Tensor* const* params, const at::Tensor* const* gradients,
    const at::Tensor* const* means, const at::Tensor* const* mean_squares, const at::Tensor* const* steps,
    double learning_rate, double beta1, double beta2, double weight_decay, double epsilon) {
  TP_GUARD(-1, {
    c10::NoGradGuard no_grad;
    auto list = [count](const at::Tensor* const* tensors) {
      std::vector<at::Tensor> out;
      out.reserve(count);
      for (size_t i = 0; i < count; ++i) {
        out.push_back(*tensors[i]);
      }
      return out;
    };
    std::vector<at::Tensor> step_list = list(steps);
    for (at::Tensor& step : step_list) {
      step.add_(1);
    }
    at::_fused_adamw_(
        list(params), list(gradients), list(means), list(mean_squares), /*max_exp_avg_sqs=*/{}, step_list,
        learning_rate, beta1, beta2, weight_decay, epsilon, /*amsgrad=*/false, /*maximize=*/false);
    return 0;
  })
}

}
