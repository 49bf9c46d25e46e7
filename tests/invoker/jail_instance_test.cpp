// What a hostile or careless runtime does with its connections; the runtime is a script that speaks
// the Runtime API by hand.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "invoker/jail_backend.hpp"
#include "support/interpreters.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::invoker;
using namespace faas::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kByHand = R"(
import socket, struct

def connect():
    return socket.create_connection(('127.0.0.1', 9001))

NEXT = b'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n'
PING = b'GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\n\r\n'
LAST = b'GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'

def field(head, name):
    return head.split(name + b': ')[1].split(b'\r\n')[0]

def next_id(s):
    while True:  # refused while the last answer has not been read
        s.sendall(NEXT)
        data = b''
        while b'\r\n\r\n' not in data:
            data += s.recv(65536)
        head, body = data.split(b'\r\n\r\n', 1)
        left = int(field(head, b'Content-Length')) - len(body)
        while left > 0:
            left -= len(s.recv(min(left, 65536)))
        if head.startswith(b'HTTP/1.1 200 '):
            return field(head, b'Lambda-Runtime-Aws-Request-Id')

def answer_head(id, fields):
    return (b'POST /2018-06-01/runtime/invocation/' + id + b'/response HTTP/1.1\r\nHost: h\r\n'
            + fields + b'\r\n\r\n')

def answer(id, body):
    return answer_head(id, b'Content-Length: %d' % len(body)) + body

# How often `word` comes before the connection ends.
def count(s, word):
    found, rest = 0, b''
    try:
        while piece := s.recv(1 << 20):
            rest += piece
            found += rest.count(word)
            rest = rest[-len(word) + 1:]
    except OSError:
        pass
    return found

# What was sent before has been read when this returns.
def wait_for_reads():
    other = connect()
    for _ in range(3):
        other.sendall(PING)
        other.recv(4096)

def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.close()

main = connect()
)";

struct Sink final : CallSink {
  std::string payload;
  std::optional<Ending> ending;
  bool room = true;
  std::function<void()> then = [] {};

  void on_head(ResponseHead const&) override {}
  bool on_chunk(std::string_view bytes) override {
    payload += bytes;
    return room;
  }
  void on_end(Ending e) override {
    ending = std::move(e);
    then();
  }
};

// One instance whose runtime is `script`, ready to be called. Calls may be made from inside events,
// as Runtime does.
class Jail final : private BackendEvents {
 public:
  explicit Jail(std::string const& script) {
    start(script);
    run_until([this] { return ready_ || exited_; });
    REQUIRE(ready_);
  }
  struct NotYet {};
  // Its start is begun, and nobody looks.
  Jail(NotYet, std::string const& script, Duration init_timeout = 10s,
       std::string runtime = python_runtime()) {
    start(script, init_timeout, std::move(runtime));
  }
  ~Jail() {
    std::lock_guard lock(*mutex_);
    backend_.reset();
  }

  std::shared_ptr<Sink> call(std::string payload = "{}",
                             std::shared_ptr<Sink> sink = std::make_shared<Sink>()) {
    CallRequest request;
    request.request_id = std::to_string(++calls_);
    request.payload = std::move(payload);
    backend_->call(kInstance, std::move(request), sink);
    return sink;
  }
  std::string result_of(Sink& sink) {
    run_until([&] { return sink.ending.has_value(); });
    CHECK(sink.ending->status == Status::ok);
    return sink.payload;
  }
  void run_until(std::function<bool()> const& done) {
    auto const until = std::chrono::steady_clock::now() + 60s;
    while (!done()) {
      REQUIRE(std::chrono::steady_clock::now() < until);
      io_.run_one_for(1s);
    }
  }
  std::size_t turns_in(std::chrono::milliseconds time) { return io_.run_for(time); }
  void resume() { backend_->resume(kInstance); }
  void stop() { backend_->stop(kInstance); }
  std::string const& output() const { return output_; }
  TempDir& directory() { return directory_; }
  bool ready() const { return ready_; }
  bool exited() const { return exited_; }
  std::optional<Ending> const& start_failed() const { return start_failed_; }

 private:
  static constexpr InstanceId kInstance{1};

  void start(std::string const& script, Duration init_timeout = 10s,
             std::string runtime = python_runtime()) {
    directory_.write("app.py", std::string(kByHand) + script);
    InvokerOptions options;
    options.sandbox.allow_degraded = true;
    options.init_timeout = init_timeout;
    backend_ = JailBackend::open(options, *reactor_, *this).value();
    auto info = std::make_shared<FunctionInfo>();
    info->function.name = "f";
    info->function.runtime = std::move(runtime);
    info->function.handler = "app.handler";
    info->function.limits.timeout = 60s;
    backend_->start({kInstance, std::move(info), Tree::borrow(directory_.path()).value()});
  }

  void on_ready(InstanceId, Timing const&) override { ready_ = true; }
  void on_start_failed(InstanceId, Ending how) override { start_failed_ = std::move(how); }
  void on_exited(InstanceId) override { exited_ = true; }
  void on_output(InstanceId, std::string_view text) override { output_ += text; }

  TempDir directory_;
  boost::asio::io_context io_;
  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
  std::unique_ptr<Reactor> reactor_ = Reactor::open(io_.get_executor(), mutex_).value();
  Hold hold_{*reactor_};
  std::unique_ptr<JailBackend> backend_;
  std::string output_;
  std::optional<Ending> start_failed_;
  bool ready_ = false, exited_ = false;
  int calls_ = 0;
};

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
)");
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
)");
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
  Jail jail(Jail::NotYet{}, "", 10s, "cobol60");
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
  Jail jail(Jail::NotYet{}, request + script, 400ms);
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
