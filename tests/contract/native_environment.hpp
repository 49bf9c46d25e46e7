// One execution environment of the native contract without its process: a NativeApi, what it
// reported and what it sent.
#pragma once

#include <faas/guest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/environment.hpp"
#include "contract/native_api.hpp"

namespace contract_test {

// A record as <faas/guest.h> makes it.
inline std::string record(int type, std::uint64_t call, std::string_view meta = {},
                          std::string_view payload = {}, int flags = 0) {
  std::string made(sizeof(faas_header_), '\0');
  faas_header_make_(made.data(), type, flags, call, meta.size(), payload.size());
  return made.append(meta).append(payload);
}

// Its payload of `size` bytes comes apart.
inline std::string memfd_record(std::uint64_t call, std::string_view meta, std::size_t size,
                                int flags = FAAS_ASKS_) {
  std::string made(sizeof(faas_header_), '\0');
  faas_header_make_(made.data(), FAAS_RESPONSE_, flags | FAAS_IN_MEMFD_, call, meta.size(), size);
  return made;
}

class NativeEnvironment : public contract::CallEvents, public contract::NativeWire {
 public:
  virtual ~NativeEnvironment() = default;

  contract::NativeApi api{*this, *this};
  std::vector<std::string> events;  // in words; consecutive chunks are one
  std::vector<std::string> sent;    // payloads of invokes
  int taken_back = 0;
  int invoke_on_next = 0;          // this many invocations are given as soon as asked for
  std::optional<int> pause_after;  // chunks until on_response_chunk answers false
  int invoked = 0;

  // What is wrong with it, or nothing.
  std::string receive(std::string_view bytes) {
    auto const frame = contract::decode_frame(bytes);
    if (!frame) return frame.error().message;
    auto const taken = api.receive(*frame);
    return taken ? std::string() : taken.error().message;
  }
  std::string ready() { return receive(record(FAAS_READY_, 0)); }
  void invoke(std::size_t limit = 1000) {
    ++invoked;
    api.invoke(invocation(invoked % 10, std::to_string(invoked)), limit);
  }

  void on_next() override {
    note("next");
    if (invoked < invoke_on_next && !api.busy()) invoke();
  }
  void on_init_error(contract::FunctionFailure f) override { note("init error", f); }
  void on_response_head(std::string_view, std::string_view type, bool streaming) override {
    note("head [" + std::string(type) + "]" + (streaming ? " streaming" : ""));
  }
  bool on_response_chunk(std::string_view, std::string_view bytes) override {
    if (events.empty() || !events.back().starts_with("body ")) events.push_back("body ");
    events.back().append(bytes);
    return !pause_after || --*pause_after > 0;
  }
  void on_response_end(std::string_view, std::optional<contract::FunctionFailure> f) override {
    f ? note("end", *f) : note("end");
  }
  void on_response_failed(std::string_view, contract::FunctionFailure f) override {
    note("failed " + f.type);
  }
  void on_invocation_error(std::string_view, contract::FunctionFailure f) override {
    note("error", f);
  }
  void send(std::string_view head, std::string_view payload, bool in_memfd) override {
    sent.push_back(std::string(payload) + (in_memfd ? " in a memfd" : ""));
    last_head = head;
  }
  void take_back() override { ++taken_back; }

  std::string last_head;

 private:
  void note(std::string text) { events.push_back(std::move(text)); }
  void note(std::string text, contract::FunctionFailure const& f) {
    events.push_back(std::move(text) + " " + f.type + " " + f.payload);
  }
};

}  // namespace contract_test
