// The functions' logs as the runtime's callers know them: written from every lane, read page by
// page, waited for.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <faas/runtime.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "invoker/completion.hpp"
#include "runtime/log_files.hpp"

namespace faas::inline v0::runtime {

// Thread-safe, with a mutex of its own that no writer takes while nobody waits.
class Logs : public std::enable_shared_from_this<Logs> {
 public:
  using Done = invoker::Completion<Result<LogPage>>;

  Logs(LogFiles files, asio::any_io_executor executor)
      : files_(std::move(files)), executor_(std::move(executor)) {}

  // As LogFiles' of the same names.
  void append(FunctionName const&, std::string_view lines);
  void append_platform(FunctionName const&, std::string_view lines, LogFiles::Write);
  void remove(FunctionName const& name) { files_.remove(name); }

  // As Runtime::logs, of a function that is there.
  void read(FunctionName const&, std::uint64_t position, std::uint64_t tail, Duration wait, Done);
  // Whoever waits, and whoever would from now on, gets an empty page.
  void end_waiting();

 private:
  struct Reader {
    std::uint64_t position;
    Done done;
    // Answers everybody who waits for this log: an empty page costs its reader one more question.
    std::unique_ptr<asio::steady_timer> timer;
  };
  void wake(FunctionName const&);

  LogFiles files_;
  asio::any_io_executor executor_;
  std::mutex mutex_;
  std::map<FunctionName, std::vector<Reader>> readers_;
  bool ended_ = false;
  std::atomic<std::size_t> waiting_ = 0;  // readers, and those that look whether they must wait
};

}  // namespace faas::inline v0::runtime
