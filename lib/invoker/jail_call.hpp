// One call that runs in a jail: where its response goes, how fast, and until when.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "invoker/jail_instance.hpp"

namespace faas::inline v0::invoker {

struct JailInstance::Call {
  Call(std::string id, std::shared_ptr<CallSink> to, TimePoint timeout)
      : request_id(std::move(id)), sink(std::move(to)), end(timeout) {}

  std::string request_id;
  std::shared_ptr<CallSink> sink;
  TimePoint end;                                     // the function's timeout
  bool full = false;                                 // its sink takes nothing more until resume()
  std::optional<Pace> pace;                          // of a stream
  Reactor::Timer pace_timer = Reactor::Timer::none;  // until the stream is read on
};

}  // namespace faas::inline v0::invoker
