// The words in which the tests of the Runtime API say what it answered.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contract/environment.hpp"

namespace contract_test {

using Events = std::vector<std::string>;

inline std::string status_of(std::string const& answer) { return answer.substr(9, 3); }
inline std::string body_of(std::string const& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}
inline bool has_field(std::string const& answer, std::string const& line) {
  return answer.find("\r\n" + line + "\r\n") < answer.find("\r\n\r\n");
}

inline std::string const kAccepted =
    "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: "
    "16\r\n\r\n{\"status\":\"OK\"}\n";
inline std::string const kInvalidId =
    "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n";
inline std::string const kTooLarge =
    "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 bytes).\","
    "\"errorType\":\"RequestEntityTooLarge\"}\n";
inline std::string const kTooLargeFailure =
    " Function.ResponseSizeTooLarge {\"errorMessage\":\"Response payload size exceeded maximum "
    "allowed payload "
    "size (6291556 bytes).\",\"errorType\":\"Function.ResponseSizeTooLarge\"}";

inline std::string transition(std::string const& from, std::string const& to) {
  return "{\"errorMessage\":\"State transition from " + from + " to " + to +
         " failed for runtime. Error: State transition is not "
         "allowed\",\"errorType\":\"InvalidStateTransition\"}\n";
}

// An environment whose runtime waits on `next` with an invocation already running: number 1.
struct Running : Environment {
  Running() {
    invoke_on_next = 1;
    runtime = next();
    answers[runtime].clear();
    events.clear();
  }
  // The runtime's own connection sends this; returns the answer.
  std::string say(std::string_view bytes) {
    answers[runtime].clear();
    api.receive(runtime, bytes);
    return answers[runtime];
  }
  ConnectionId runtime;
};

}  // namespace contract_test
