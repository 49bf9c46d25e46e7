#include "invoker/endings.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace faas;
using namespace faas::invoker;

TEST_CASE("how a process ended is told in Lambda's words") {
  CHECK(exit_ending({.code = 0}).message == "Runtime exited without providing a reason");
  CHECK(exit_ending({.code = 127}).message == "Runtime exited with error: exit status 127");
  CHECK(exit_ending({.signal = SIGKILL}).message == "Runtime exited with error: signal: killed");
  CHECK(exit_ending({.signal = SIGSEGV}).message ==
        "Runtime exited with error: signal: segmentation fault");
  CHECK(exit_ending({.code = 1}).error_type == "Runtime.ExitError");
  CHECK(exit_ending({.code = 1}).status == Status::crashed);
}

TEST_CASE("memory, seccomp and the end of the sandbox are told apart from a crash") {
  CHECK(exit_ending({.signal = SIGKILL, .out_of_memory = true}).status == Status::out_of_memory);
  CHECK(exit_ending({.signal = SIGSYS}).status == Status::killed);
  CHECK(exit_ending({.lost = true}).status == Status::lost);
  CHECK(exit_ending({.lost = true}).error_type == "Sandbox.Failure");
}

TEST_CASE("a program that cannot be executed is the function's fault, any other step is ours") {
  CHECK(failed_ending({.step = "exec", .error = ENOENT}).error_type == "Runtime.InvalidEntrypoint");
  auto const ours = failed_ending({.step = "pivot-root", .error = EPERM});
  CHECK(ours.status == Status::lost);
  CHECK(ours.message.find("pivot-root") != std::string::npos);
}

TEST_CASE("a start that failed on our side is an error, for nothing of the function ran") {
  auto const want = failed_ending({.step = "clone", .error = EAGAIN});
  REQUIRE(want.refused.has_value());
  CHECK(want.refused->code == Errc::unavailable);
  CHECK(want.refused->message.find("no room for another instance now") != std::string::npos);
  CHECK(want.refused->message.find("clone") != std::string::npos);
  auto const fault = failed_ending({.step = "pivot-root", .error = EPERM});
  REQUIRE(fault.refused.has_value());
  CHECK(fault.refused->code == Errc::internal);
  CHECK_FALSE(failed_ending({.step = "killed", .error = ECANCELED}).refused);
  CHECK_FALSE(failed_ending({.step = "exec", .error = ENOENT}).refused);
}

TEST_CASE("a broken contract is a policy's end, with its reason") {
  auto const ending = broken_contract_ending("a frame of 3 bytes");
  CHECK(ending.status == Status::killed);
  CHECK(ending.error_type == "Runtime.BrokenContract");
  CHECK(ending.message == "The function broke the native contract: a frame of 3 bytes");
}

TEST_CASE("a timeout is told with two decimals") {
  CHECK(timed_out_ending(milliseconds(3000)).message == "Task timed out after 3.00 seconds");
  CHECK(timed_out_ending(milliseconds(1500)).message == "Task timed out after 1.50 seconds");
}
