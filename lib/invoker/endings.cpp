#include "invoker/endings.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace faas::inline v0::invoker {
namespace {

// Of something the host has only so much of.
bool is_want(int error) {
  return error == EAGAIN || error == ENOMEM || error == ENOSPC || error == EMFILE ||
         error == ENFILE || error == EUSERS;
}

}  // namespace

std::string_view signal_name(int signal) {
  switch (signal) {
    case SIGHUP: return "hangup";
    case SIGINT: return "interrupt";
    case SIGQUIT: return "quit";
    case SIGILL: return "illegal instruction";
    case SIGTRAP: return "trace/breakpoint trap";
    case SIGABRT: return "aborted";
    case SIGBUS: return "bus error";
    case SIGFPE: return "floating point exception";
    case SIGKILL: return "killed";
    case SIGSEGV: return "segmentation fault";
    case SIGPIPE: return "broken pipe";
    case SIGALRM: return "alarm clock";
    case SIGTERM: return "terminated";
    case SIGSYS: return "bad system call";
    case SIGXFSZ: return "file size limit exceeded";
    case SIGXCPU: return "cpu time limit exceeded";
    default: return "signal";
  }
}

Ending exit_ending(Exited const& exited) {
  if (exited.lost) return lost_ending("the sandbox ended under the function");
  if (exited.out_of_memory) {
    return {.status = Status::out_of_memory,
            .error_type = "Runtime.OutOfMemory",
            .message = "Runtime exited with error: signal: killed"};
  }
  if (exited.signal) {
    return {.status = *exited.signal == SIGSYS ? Status::killed : Status::crashed,
            .error_type = "Runtime.ExitError",
            .message =
                fmt::format("Runtime exited with error: signal: {}", signal_name(*exited.signal))};
  }
  auto const code = exited.code.value_or(0);
  return {.status = Status::crashed,
          .error_type = "Runtime.ExitError",
          .message = code == 0 ? "Runtime exited without providing a reason"
                               : fmt::format("Runtime exited with error: exit status {}", code)};
}

Ending refused_ending(Error error) {
  auto ending = lost_ending(error.message);
  if (error.code == Errc::io) {
    error.code = Errc::unavailable;
    error.message = "the host has no room for another instance now: " + error.message;
  }
  if (error.reason.empty()) error.reason = "InstanceNotStarted";
  error.layer = "start";
  ending.refused = std::move(error);
  return ending;
}

// But for its exec, which is the function's own affair, no start fails for the function.
Ending failed_ending(Failed const& failed) {
  if (failed.step == "exec") {
    return {.status = Status::crashed,
            .error_type = "Runtime.InvalidEntrypoint",
            .message = fmt::format("fork/exec: {}", std::generic_category().message(failed.error))};
  }
  auto message = fmt::format("the sandbox could not be built: {}: {}", failed.step,
                             std::generic_category().message(failed.error));
  if (failed.step == "killed") return lost_ending(message);
  return refused_ending({is_want(failed.error) ? Errc::io : Errc::internal, std::move(message)});
}

Ending timed_out_ending(milliseconds timeout) {
  return {.status = Status::timed_out,
          .error_type = "Sandbox.Timedout",
          .message = fmt::format("Task timed out after {:.2f} seconds",
                                 static_cast<double>(timeout.count()) / 1000)};
}

Ending init_timeout_ending(Duration limit) {
  return {.status = Status::timed_out,
          .error_type = "Sandbox.Timedout",
          .message = fmt::format("Init timed out after {:.2f} seconds",
                                 std::chrono::duration<double>(limit).count())};
}

Ending invalid_entrypoint_ending() {
  return {.status = Status::crashed,
          .error_type = "Runtime.InvalidEntrypoint",
          .message = "Couldn't find valid bootstrap(s): [/var/task/bootstrap]"};
}

Ending broken_contract_ending(std::string_view how) {
  return {.status = Status::killed,
          .error_type = "Runtime.BrokenContract",
          .message = fmt::format("The function broke the native contract: {}", how)};
}

Ending lost_ending(std::string_view why) {
  return {.status = Status::lost, .error_type = "Sandbox.Failure", .message = std::string(why)};
}

}  // namespace faas::inline v0::invoker
