// Where a program waits for its GPU.

#include "guard.h"

#include <c10/cuda/CUDAFunctions.h>

extern "C" {

// From now on, every call of this process that waits for a GPU fails; or, with 0, none does.
int tp_cuda_forbid_waits(int forbid) {
  TP_GUARD(-1, {
    c10::cuda::warning_state().set_sync_debug_mode(
        forbid ? c10::cuda::SyncDebugMode::L_ERROR : c10::cuda::SyncDebugMode::L_DISABLED);
    return 0;
  })
}

}
