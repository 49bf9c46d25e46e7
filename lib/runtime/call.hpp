// One invocation from its arrival to its record. Lives until it ended and its caller was answered.
#pragma once

#include <faas/runtime.hpp>
#include <memory>
#include <string>

#include "invoker/completion.hpp"
#include "invoker/reactor.hpp"
#include "runtime/log_text.hpp"
#include "runtime/stream.hpp"

namespace faas::inline v0::runtime {

class Lane;
struct Revision;

// What a caller gave, copied before its first suspension.
struct CallInput {
  FunctionName function;
  std::string qualifier;  // a version, an alias, or empty
  std::string payload;
  std::string caller;
  std::string tenant, client_context, request_id, content_type, trace_id;
  std::optional<TimePoint> deadline;
  bool log_tail = false;
};

class Call final : public CallSink, public std::enable_shared_from_this<Call> {
 public:
  explicit Call(CallInput i) : input(std::move(i)) {}

  void on_head(ResponseHead const&) override;
  bool on_chunk(std::string_view) override;
  void on_end(Ending) override;

  // The caller hears of it once; later answers are nobody's.
  void answer(Outcome);
  void answer(Error);
  bool answered() const { return answered_; }

  CallInput input;
  invoker::Completion<Result<Outcome>> done;  // of a collecting caller
  std::shared_ptr<StreamState> stream;        // of a streaming one

  // The engine's until it hands the call to a lane, with the engine's mutex; the lane's from then
  // on.
  enum class Where { queued, on_instance, failed_start };
  Where where = Where::queued;
  Lane* lane = nullptr;
  CallId id{};
  std::shared_ptr<Revision> revision;
  InstanceId instance{};
  TimePoint arrived{}, dispatched{};
  Outcome outcome;

  // The lane's.
  invoker::Reactor::Timer deadline_timer = invoker::Reactor::Timer::none;
  LogTail tail;

 private:
  bool answered_ = false;
};

}  // namespace faas::inline v0::runtime
