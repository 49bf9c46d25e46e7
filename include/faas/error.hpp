// What we could not do. Every refusal says which limit or input, its value, and what to do about
// it.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace faas::inline v0 {

// The condition, and the caller's move.
enum class Errc {
  invalid_argument,  // the request is wrong and will stay wrong: mend it
  not_found,         // no such function, package or path
  conflict,          // exists already, or was changed under the caller: read again, then retry
  too_large,         // over a limit in bytes; the message names the limit
  throttled,         // a limit of concurrency, of a queue or of failing starts: retry later
  deadline,          // the caller's deadline passed before the function was started
  cancelled,         // the caller cancelled before the function was started
  unavailable,       // the runtime is draining or closed: ask another
  unsupported,       // this host or build lacks what was asked for; the message says what
  denied,            // the operating system refused; the message names the call
  corrupt,           // stored bytes are not what was stored; never used, kept aside
  io,                // the operating system failed; the message names the call
  internal,          // a bug of this library
};

// The enumerator's own name, e.g. "not_found".
std::string_view to_string(Errc);

// A value: copy, compare, log. `message` is a sentence for a person. `reason` is a stable word for
// a program: Lambda's exception or reason where it has one ("InvalidZipFileException",
// "ConcurrentInvocationLimitExceeded"), else ours ("QueueFull"); empty where `code` says it all.
// `layer` names the part that refused ("queue", "code", "start", ...) and may be empty.
struct Error {
  Errc code = Errc::internal;
  std::string message;
  std::string reason;
  std::string layer;

  friend bool operator==(Error const&, Error const&) = default;
};

// Fails only while nothing has run: a caller may retry without fear (see outcome.hpp for the rest).
template <class T>
using Result = boost::system::result<T, Error>;

// What Result::value() throws.
class Exception : public std::exception {
 public:
  explicit Exception(Error e) : error_(std::move(e)) {}
  Error const& error() const noexcept { return error_; }
  char const* what() const noexcept override { return error_.message.c_str(); }

 private:
  Error error_;
};

// Found by argument-dependent lookup from Result::value().
[[noreturn]] inline void throw_exception_from_error(Error const& e, boost::source_location const&) {
  throw Exception(e);
}

}  // namespace faas::inline v0
