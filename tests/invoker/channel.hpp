// A NativeChannel over a real socket, whose other end is the test: it does what a jail may do.
#pragma once

#include <doctest/doctest.h>
#include <faas/guest.h>
#include <sys/mman.h>

#include <boost/asio/io_context.hpp>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "invoker/native_channel.hpp"
#include "sys/memfd.hpp"
#include "sys/message.hpp"

namespace faas::test {

using namespace invoker;
using namespace std::chrono_literals;

inline std::string record(int type, std::uint64_t call, std::string_view meta = {},
                          std::string_view payload = {}, int flags = 0) {
  std::string made(sizeof(faas_header_), '\0');
  faas_header_make_(made.data(), type, flags, call, meta.size(), payload.size());
  return (flags & FAAS_IN_MEMFD_) != 0 ? made : made.append(meta).append(payload);
}

// A memfd of `bytes` with these seals.
inline sys::Fd memfd(std::string_view bytes, int seals) {
  sys::Fd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(faas_write_(fd.get(), bytes.data(), bytes.size()) == 0);
  REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
  return fd;
}
inline constexpr int kAllSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

class Channel final : private contract::CallEvents {
  boost::asio::io_context io_;
  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
  std::unique_ptr<Reactor> reactor_ = Reactor::open(io_.get_executor(), mutex_).value();
  Hold hold_{*reactor_};

 public:
  explicit Channel(InvokerOptions o = {}) : options(o) {
    auto opened = NativeChannel::open(options, *reactor_, *this,
                                      [this](Ending how) { ended = std::move(how); });
    host = std::move(opened.value().first);
    guest = std::move(opened.value().second);
    REQUIRE(host->watch().has_value());
  }
  // One that has asked for work.
  struct Ready {};
  explicit Channel(Ready, InvokerOptions o = {}) : Channel(o) { give(record(FAAS_READY_, 0)); }

  void give(std::string_view bytes, std::initializer_list<int> fds = {}) {
    iovec const part{const_cast<char*>(bytes.data()), bytes.size()};
    REQUIRE(sys::send_message(guest.get(), {&part, 1}, {fds.begin(), fds.size()}).value());
    turn();
  }
  // What the host sent, in an array: reading allocates nothing.
  std::string_view take() {
    auto message = sys::receive_message(guest.get(), buffer_);
    if (!message) return {};
    taken_fds = std::move(message->fds);
    return {reinterpret_cast<char const*>(buffer_), message->size};
  }
  void call(std::string payload, std::size_t limit = 10'000'000) {
    contract::Invocation made;
    made.request_id = "id";
    made.payload = std::move(payload);
    host->invoke(std::move(made), limit);
  }
  void turn() {
    while (io_.poll() > 0) {
    }
  }
  template <class Done>
  void run_until(Done done) {
    auto const until = std::chrono::steady_clock::now() + 20s;
    while (!done()) {
      REQUIRE(std::chrono::steady_clock::now() < until);
      io_.run_one_for(100ms);
    }
  }
  std::string why() const { return ended ? ended->message : ""; }

  InvokerOptions options;
  std::unique_ptr<NativeChannel> host;
  sys::Fd guest;
  std::vector<sys::Fd> taken_fds;
  std::optional<Ending> ended;
  std::string answer;  // chunks of all answers
  int answers = 0, failures = 0;
  std::string failure;
  bool room = true;

 private:
  void on_next() override {}
  void on_init_error(contract::FunctionFailure f) override { failure = f.type; }
  void on_response_head(std::string_view, std::string_view, bool) override {}
  bool on_response_chunk(std::string_view, std::string_view bytes) override {
    answer += bytes;
    return room;
  }
  void on_response_end(std::string_view, std::optional<contract::FunctionFailure>) override {
    ++answers;
  }
  void on_response_failed(std::string_view, contract::FunctionFailure f) override {
    ++failures;
    failure = f.type;
  }
  void on_invocation_error(std::string_view, contract::FunctionFailure f) override {
    ++failures;
    failure = f.type;
  }

  std::byte buffer_[65'536];
};

}  // namespace faas::test
