// What every function of the shim shares: no C++ exception crosses into Rust.
#pragma once

#include <cstddef>
#include <exception>

namespace tp {

// Keeps the message for this thread until Rust reads it.
void set_error(const char* message) noexcept;

// The message of the error being handled, without libtorch's backtrace where it has one.
void set_current_error() noexcept;

// This thread's last message.
const char* last_error() noexcept;

} // namespace tp

// Runs the statements of an `extern "C"` body; on any exception keeps its message and returns `failed`.
#define TP_GUARD(failed, ...)    \
  try {                          \
    __VA_ARGS__                  \
  } catch (...) {                \
    ::tp::set_current_error();   \
    return failed;               \
  }
