// What a hostile or careless runtime does with its connections; the runtime is a script that speaks
// the Runtime API by hand.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "invoker/jail.hpp"

using namespace faas;
using namespace faas::test;

namespace {

How at_any_pace() {
  How how;
  how.options.chatter_rate = 0;
  return how;
}

// No descriptor can be opened while it lives.
class OutOfDescriptors {
 public:
  OutOfDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto const lowest_free = ::dup(0);
    REQUIRE(lowest_free >= 0);
    ::close(lowest_free);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~OutOfDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a connection that answers and is gone ends while the next call begins") {
  Jail jail(R"(
id = next_id(main)
s = connect()
s.sendall(answer_head(id, b'Content-Length: 4') + b'do')
wait_for_reads()
s.sendall(b'ne')
reset(s)
print('sent', flush=True)
id = next_id(main)
main.sendall(answer(id, b'again'))
main.recv(4096)
)");
  auto const first = std::make_shared<Sink>();
  std::shared_ptr<Sink> second;
  first->room = false;
  first->then = [&] { second = jail.call(); };
  jail.call("{}", first);
  jail.run_until([&] { return jail.output().find("sent") != std::string::npos; });
  first->room = true;
  jail.resume();  // now the answer's end and the connection's are read at once
  jail.run_until([&] { return second != nullptr; });
  CHECK(first->payload == "done");
  CHECK(jail.result_of(*second) == "again");
}

TEST_CASE("answers that a function asks for and does not read are not kept for it") {
  SUBCASE("many small ones") {
    Jail jail(R"(
id = next_id(main)
s = connect()
try:
    s.sendall(PING * 400_000 + LAST)
except OSError:
    pass
main.sendall(answer(id, b'%d' % count(s, b'pong')))
next_id(main)
)",
              at_any_pace());
    auto const call = jail.call();
    CHECK(std::stoi(jail.result_of(*call)) < 400'000);
  }
  SUBCASE("the same invocation again and again") {
    Jail jail(R"(
id = next_id(main)
s = connect()
try:
    s.sendall(NEXT * 200 + LAST)
except OSError:
    pass
main.sendall(answer(id, b'%d' % count(s, b'Aws-Request-Id')))
next_id(main)
)",
              at_any_pace());
    auto const call = jail.call(std::string(1 << 20, ' '));
    CHECK(std::stoi(jail.result_of(*call)) < 100);
  }
}

TEST_CASE("a response that is reset while its reader is slow is left alone until there is room") {
  Jail jail(R"(
id = next_id(main)
s = connect()
s.sendall(answer_head(id, b'Transfer-Encoding: chunked') + b'4\r\nhalf\r\n')
wait_for_reads()
reset(s)
print('reset', flush=True)
main.recv(1)  # stays
)");
  auto const call = std::make_shared<Sink>();
  call->room = false;
  jail.call("{}", call);
  jail.run_until([&] { return jail.output().find("reset") != std::string::npos; });
  CHECK(jail.turns_in(200ms) < 100);
  CHECK_FALSE(call->ending.has_value());
  jail.resume();
  jail.run_until([&] { return call->ending.has_value(); });
  CHECK(call->payload == "half");
  CHECK(call->ending->error_type == "Runtime.TruncatedResponse");
}

TEST_CASE("a connection waits for a descriptor without keeping the host busy") {
  Jail jail(R"(
id = next_id(main)
s = connect()
s.sendall(PING)
s.recv(4096)
main.sendall(answer(id, b'served'))
main.recv(1)  # the answer's answer
main.recv(1)  # stays
)");
  auto const call = jail.call();
  {
    OutOfDescriptors out;
    CHECK(jail.turns_in(300ms) < 100);
    CHECK_FALSE(call->ending.has_value());
  }
  CHECK(jail.result_of(*call) == "served");
}

TEST_CASE("a runtime nobody knows fails its start, and there is nothing to end") {
  Jail jail(Jail::NotYet{}, "", {.runtime = "cobol60"});
  REQUIRE(jail.start_failed());
  CHECK(jail.start_failed()->status == Status::lost);
  CHECK(jail.start_failed()->message.find("cobol60") != std::string::npos);
  CHECK(jail.exited());
  CHECK(jail.call()->ending->status == Status::lost);
}

TEST_CASE("the last answer of a jail that is gone counts, but the instance takes no other call") {
  Jail jail(R"(
import os
id = next_id(main)
s = connect()
s.sendall(answer(id, b'last'))
print('sent', flush=True)
os._exit(0)
)");
  auto const call = jail.call();
  ::usleep(700'000);  // the answer waits on a connection nobody has accepted when the jail is gone
  CHECK(jail.result_of(*call) == "last");
  CHECK_FALSE(call->ending->reusable);
  jail.run_until([&] { return jail.exited(); });
}

TEST_CASE("a runtime that says next and is gone was never ready") {
  Jail jail(Jail::NotYet{}, R"(
import os
main.sendall(NEXT)
os._exit(0)
)");
  ::usleep(1'000'000);
  jail.run_until([&] { return jail.exited(); });
  CHECK_FALSE(jail.ready());
  REQUIRE(jail.start_failed());
  CHECK(jail.start_failed()->error_type == "Runtime.ExitError");
}

TEST_CASE("what a runtime says after its first init was given up is not its second's") {
  std::string const script = R"(
import os, time
if os.path.exists('/var/task/second'):
    os._exit(3)
print('begun', flush=True)
time.sleep(0.6)
main.sendall(REQUEST)
time.sleep(60)
)";
  std::string request;
  SUBCASE("next") { request = "REQUEST = NEXT\n"; }
  SUBCASE("an init error") {
    request = R"(
REQUEST = (b'POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n'
           b'Lambda-Runtime-Function-Error-Type: Late\r\n\r\n{}')
)";
  }
  How how;
  how.options.init_timeout = 400ms;
  Jail jail(Jail::NotYet{}, request + script, how);
  jail.run_until([&] { return jail.output().find("begun") != std::string::npos; });
  jail.directory().write("second", "");
  ::usleep(1'000'000);  // the clock and the words come at once, the clock first
  jail.run_until([&] { return jail.exited(); });
  CHECK_FALSE(jail.ready());
  REQUIRE(jail.start_failed());
  CHECK(jail.start_failed()->error_type == "Runtime.ExitError");
}

TEST_CASE("connections that we have closed and the function has not hold few descriptors") {
  Jail jail(R"(
id = next_id(main)
kept = []
for _ in range(200):
    s = connect()
    s.sendall(LAST)
    while s.recv(4096): pass
    kept.append(s)
main.sendall(answer(id, b'done'))
main.recv(1)
main.recv(1)  # stays
)");
  auto const descriptors = [] {
    auto const files = std::filesystem::directory_iterator("/proc/self/fd");
    return std::distance(begin(files), end(files));
  };
  auto const before = descriptors();
  auto const call = jail.call();
  CHECK(jail.result_of(*call) == "done");
  CHECK(descriptors() < before + 64);
}

TEST_CASE("a call for an instance that is ending is lost at once") {
  Jail jail("next_id(main)\n");
  jail.stop();
  auto const call = jail.call();
  REQUIRE(call->ending);
  CHECK(call->ending->status == Status::lost);
  jail.run_until([&] { return jail.exited(); });
}
