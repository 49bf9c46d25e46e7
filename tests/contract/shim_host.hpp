// Runs a language shim against a real HTTP server on loopback: our RuntimeApi over plain sockets,
// without a jail.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace contract_test {

struct ShimCall {
  std::string ending;      // "response", "error", "failed", "init error", "exit CODE" or "timeout"
  std::string body;        // of the response, or the error's document
  std::string error_type;  // of an error, or of a response's trailers
  std::string content_type;
  bool streaming = false;
};

struct ShimInvocation {
  std::string payload;
  std::string client_context = {};
  std::string content_type = "application/json";
};

class ShimHost {
 public:
  // `files` are the function's, by path under its task directory.
  ShimHost(std::vector<std::string> command, std::string handler,
           std::map<std::string, std::string> files);
  ~ShimHost();  // kills the shim

  // Invokes and waits for what comes of it, at most 60 s.
  ShimCall invoke(ShimInvocation invocation);
  ShimCall call(std::string payload) { return invoke(ShimInvocation{std::move(payload)}); }
  // Waits for the exit of the shim; "exit CODE" or "timeout".
  std::string wait_for_exit();
  // What the shim wrote to stdout and stderr so far, and forgets it.
  std::string take_log();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Nothing if there is no such program; says so, and fails the test where FAAS_TEST_REQUIRE_ALL=1.
bool have_program(std::string const& path);

}  // namespace contract_test
