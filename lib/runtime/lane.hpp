// One place of work: a reactor and the backends whose descriptors it watches, serialised by a mutex
// of their own. The engine decides with its own mutex and pushes what is to be done; whoever is in
// the lane does it, so that all input and output of an instance is done where it was started, and
// no decision waits for any.
//
// Order of the mutexes: a lane's, then the engine's. With the engine's one may only push.
#pragma once

#include <atomic>
#include <faas/invoker.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "invoker/completion.hpp"
#include "invoker/host_backend.hpp"
#include "invoker/jail_backend.hpp"
#include "invoker/reactor.hpp"
#include "metering/meter.hpp"
#include "runtime/call.hpp"
#include "runtime/log_files.hpp"
#include "runtime/log_text.hpp"
#include "runtime/revision.hpp"

namespace faas::inline v0::runtime {

using invoker::Completion;

class Core;

namespace task {
struct Start {
  StartRequest request;
  std::shared_ptr<Revision> revision;
  bool verified;  // its code, just now; else the lane looks whether it was touched since
};
struct Dispatch {  // to call->instance
  std::shared_ptr<Call> call;
};
struct Fail {  // it never ran, and pays for a start that failed so: it gets its record
  std::shared_ptr<Call> call;
  Ending how;
};
struct Abandon {
  std::shared_ptr<Call> call;
};
struct Reader {
  std::shared_ptr<Call> call;
  StreamState::News news;
};
struct Stop {
  InstanceId instance;
};
struct Wake {  // tells the engine then; instead of what was asked for before
  TimePoint at;
};
struct Hold {  // whether calls wait that no instance holds the lane for
  bool held;
};
}  // namespace task
using Task = std::variant<task::Start, task::Dispatch, task::Fail, task::Abandon, task::Reader,
                          task::Stop, task::Wake, task::Hold>;

class Lane final : public BackendEvents, public std::enable_shared_from_this<Lane> {
 public:
  // `core` outlives close(), the executor the lane. Errors: as Sandbox::open.
  static Result<std::shared_ptr<Lane>> open(Core& core, std::size_t index, InvokerOptions);
  ~Lane() override;

  // Any thread, any mutex but the lane's inbox: a task is done after those pushed before it.
  void push(Task);
  // Does what was pushed, unless somebody is in the lane, who does it then. Never waits for
  // anybody.
  void run();
  void run_later();  // the same from the executor

  // What happened while nobody held the lane: an instance that died meanwhile must not get the next
  // call. Costs nothing while it is held, for then the news are on their way, nor within a
  // millisecond of the last look.
  void look(TimePoint now);
  Bytes max_memory(InstanceId);
  // Ends its calls as lost, its instances at once. When it returns, nothing calls the engine.
  void close();

  std::size_t index() const { return index_; }
  bool degraded() const { return jails_->degraded(); }
  Privilege privilege() const { return jails_->privilege(); }

  // --- in the lane ---
  void finish(Call&, Ending);
  void answer(Completion<Result<Outcome>>, Outcome);

 private:
  class Inside;
  // What the lane knows of an instance in it.
  struct Guest {
    std::shared_ptr<Revision> revision;
    LineAssembler lines;
    std::vector<std::shared_ptr<Call>> running;
    // Whose what it writes is: with several calls at once nobody can tell.
    Call* writer() const { return running.size() == 1 ? running.front().get() : nullptr; }
  };

  Lane(Core& core, std::size_t index);
  Result<void> open_parts(InvokerOptions);
  void leave(std::unique_lock<std::mutex>&);
  void end_turn(std::unique_lock<std::mutex>&);
  void do_tasks();

  void perform(task::Start&);
  void perform(task::Dispatch&);
  void perform(task::Fail&);
  void perform(task::Abandon&);
  void perform(task::Reader&);
  void perform(task::Stop&);
  void perform(task::Wake&);
  void perform(task::Hold&);

  void on_ready(InstanceId, Timing const&) override;
  void on_start_failed(InstanceId, Ending) override;
  void on_exited(InstanceId) override;
  void on_output(InstanceId, std::string_view) override;

  void watch(Call&);
  void abandon(Call&);
  void give_back_guest(Call&);
  void end_outcome(Call&, Ending const&, TimePoint ended);
  InvocationRecord record_of(Call const&) const;
  void log_end(Call&, Ending const&, InvocationRecord const&);
  void log_function(Revision const&, Call*, std::string_view text);
  // START waits for what follows it: one write a call.
  void log_platform(Call&, std::string_view lines, LogFiles::Write);
  void lose(Call&);
  void end_unstarted();
  Backend& backend_of(Revision const&);

  Core& core_;  // not after close(): who leaves the lane then has but what follows
  asio::any_io_executor const executor_;
  std::size_t const index_;  // among the engine's
  std::mutex inbox_mutex_;   // the innermost
  std::vector<Task> inbox_;
  std::atomic<bool> pending_ = false;  // inbox_ is not empty
  std::atomic<TimePoint> looked_ = TimePoint{};

  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();  // of all that follows
  std::vector<Task> doing_;
  std::unique_ptr<invoker::Reactor> reactor_;
  std::unique_ptr<invoker::JailBackend> jails_;
  std::unique_ptr<invoker::HostBackend> hosts_;
  std::unordered_map<InstanceId, Guest> guests_;
  invoker::Hold upkeep_, waiting_;
  invoker::Reactor::Timer wake_ = invoker::Reactor::Timer::none;
  std::optional<std::pair<Completion<Result<Outcome>>, Outcome>>
      answer_;  // of this turn, the first
  bool closed_ = false;
};

}  // namespace faas::inline v0::runtime
