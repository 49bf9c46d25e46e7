// One instance whose runtime is a script that speaks the Runtime API by hand.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "invoker/jail_backend.hpp"
#include "support/interpreters.hpp"
#include "support/temp_dir.hpp"

namespace faas::test {

using namespace invoker;
using namespace std::chrono_literals;

inline constexpr std::string_view kByHand = R"(
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

def finish(s, id, body):
    s.sendall(answer(id, body))
    s.recv(4096)

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

struct How {
  InvokerOptions options = {};
  milliseconds timeout = 60s;
  std::string runtime = python_runtime();
  unsigned capacity = 1;
  std::string bootstrap = {};  // a program in place of the script; its runtime is "provided"
  std::map<std::string, std::string> environment = {};
};

// One instance whose runtime is `script`, ready to be called. Calls may be made from inside events,
// as Runtime does.
class Jail final : private BackendEvents {
 public:
  explicit Jail(std::string const& script, How how = {}) : Jail(NotYet{}, script, std::move(how)) {
    run_until([this] { return ready_ || exited_; });
    REQUIRE(ready_);
  }
  struct NotYet {};
  // Its start is begun, and nobody looks.
  Jail(NotYet, std::string const& script, How how = {}) {
    directory_.write("app.py", std::string(kByHand) + script);
    how.options.sandbox.allow_degraded = true;
    backend_ = JailBackend::open(how.options, *reactor_, *this).value();
    auto info = std::make_shared<FunctionInfo>();
    info->function.name = "f";
    info->function.runtime = std::move(how.runtime);
    info->function.handler = "app.handler";
    info->function.limits.timeout = how.timeout;
    info->function.limits.capacity = how.capacity;
    info->function.environment = how.environment;
    if (!how.bootstrap.empty()) {
      std::filesystem::copy_file(how.bootstrap, directory_ / "bootstrap");
      info->function.runtime = "provided";
    }
    backend_->start({kInstance, std::move(info), Tree::borrow(directory_.path()).value()});
  }
  ~Jail() {
    std::lock_guard lock(*mutex_);
    backend_.reset();
  }

  std::shared_ptr<Sink> call(std::string payload = "{}",
                             std::shared_ptr<Sink> sink = std::make_shared<Sink>()) {
    call(sink, std::move(payload));
    return sink;
  }
  void call(std::shared_ptr<CallSink> sink, std::string payload = "{}") {
    backend_->call(kInstance, request(std::move(payload)), std::move(sink));
  }
  void stream(std::shared_ptr<CallSink> sink) {
    auto asked = request("{}");
    asked.stream = true;
    backend_->call(kInstance, std::move(asked), std::move(sink));
  }
  std::string result_of(Sink& sink) {
    run_until([&] { return sink.ending.has_value(); });
    CHECK_MESSAGE(sink.ending->status == Status::ok, sink.ending->message, "\n", output_);
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
  void resume() { resume(calls_); }
  void resume(int call) { backend_->resume(kInstance, std::to_string(call)); }
  void stop() { backend_->stop(kInstance); }
  std::string const& output() const { return output_; }
  TempDir& directory() { return directory_; }
  bool ready() const { return ready_; }
  bool exited() const { return exited_; }
  std::optional<Ending> const& start_failed() const { return start_failed_; }

 private:
  static constexpr InstanceId kInstance{1};

  CallRequest request(std::string payload) {
    CallRequest made;
    made.request_id = std::to_string(++calls_);
    made.payload = std::move(payload);
    return made;
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

}  // namespace faas::test
