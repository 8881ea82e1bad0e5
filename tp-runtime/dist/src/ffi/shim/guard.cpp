#include "guard.h"

#include <c10/util/Exception.h>

#include <string>

namespace tp {
namespace {

std::string& message() {
  thread_local std::string text;
  return text;
}

} // namespace

void set_error(const char* text) noexcept {
  try {
    message() = text;
  } catch (...) {
    // Out of memory while describing a failure: an empty message is still a failure.
    message().clear();
  }
}

void set_current_error() noexcept {
  try {
    throw;
  } catch (const c10::Error& error) {
    set_error(error.what_without_backtrace());
  } catch (const std::exception& error) {
    set_error(error.what());
  } catch (...) {
    set_error("a C++ exception of an unknown type");
  }
}

const char* last_error() noexcept {
  return message().c_str();
}

} // namespace tp

extern "C" {

const char* tp_last_error() {
  return tp::last_error();
}

void tp_set_error(const char* text) {
  tp::set_error(text);
}

}
