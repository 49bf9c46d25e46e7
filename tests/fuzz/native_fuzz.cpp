// DEPS: contract base
// The native contract against a hostile function: a script of frames, of memfds' bytes, and of what
// the invoker does. A frame is a size and its bytes, or the fields of a well-formed one.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "contract/native_environment.hpp"

namespace {

using namespace contract_test;

constexpr std::size_t kLimit = 1000;

// Every call ends once, within its limit, and is heard of only between its invoke and its end.
class Judge : public NativeEnvironment {
 public:
  void on_next() override { NativeEnvironment::on_next(); }
  void on_response_head(std::string_view id, std::string_view type, bool streaming) override {
    expect(id);
    FAAS_CHECK(!headed_);
    headed_ = true;
    NativeEnvironment::on_response_head(id, type, streaming);
    if (abandon_on_head) give_up();
  }
  bool on_response_chunk(std::string_view id, std::string_view bytes) override {
    expect(id);
    FAAS_CHECK(headed_ && !bytes.empty() && (received_ += bytes.size()) <= kLimit);
    if (abandon_on_chunk) give_up();
    return NativeEnvironment::on_response_chunk(id, bytes);
  }
  void on_response_end(std::string_view id, std::optional<contract::FunctionFailure> f) override {
    FAAS_CHECK(headed_);
    end(id);
    NativeEnvironment::on_response_end(id, std::move(f));
    if (invoke_at_once) begin();
  }
  void on_response_failed(std::string_view id, contract::FunctionFailure f) override {
    end(id);
    NativeEnvironment::on_response_failed(id, std::move(f));
  }
  void on_invocation_error(std::string_view id, contract::FunctionFailure f) override {
    end(id);
    NativeEnvironment::on_invocation_error(id, std::move(f));
  }
  void send(std::string_view head, std::string_view payload, bool in_memfd) override {
    FAAS_CHECK(!running_);
    running_ = true;
    NativeEnvironment::send(head, payload, in_memfd);
  }

  void begin() {
    if (api.busy()) return;
    received_ = 0;
    headed_ = running_ = false;
    invoke(kLimit);
  }
  void give_up() {
    api.abandon();
    FAAS_CHECK(!api.busy());
    running_ = false;
  }

  bool abandon_on_head = false, abandon_on_chunk = false, invoke_at_once = false;

 private:
  void expect(std::string_view id) { FAAS_CHECK(running_ && id == request_id(invoked % 10)); }
  void end(std::string_view id) {
    expect(id);
    FAAS_CHECK(!api.busy());
    running_ = false;
  }

  bool running_ = false, headed_ = false;
  std::size_t received_ = 0;
};

class Script {
 public:
  explicit Script(std::string_view bytes) : rest_(bytes) {}
  bool more() const { return !rest_.empty(); }
  unsigned byte() {
    if (rest_.empty()) return 0;
    auto const first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  std::string_view bytes(std::size_t wished) {
    auto const taken = rest_.substr(0, wished);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

std::string well_formed(Script& script) {
  auto const type = static_cast<int>(script.byte() % 8),
             flags = static_cast<int>(script.byte() % 8);
  auto const call = script.byte();
  if ((flags & FAAS_IN_MEMFD_) != 0)
    return memfd_record(call, std::string(script.byte(), 'm'), script.byte() * 8, flags);
  auto const meta = script.bytes(script.byte() % 16);
  return record(type, call, meta, script.bytes(script.byte() * std::size_t{4}), flags);
}

void play(Script script) {
  Judge judge;
  while (script.more()) {
    switch (script.byte() % 10) {
      case 0: judge.begin(); break;
      case 1: judge.give_up(); break;
      case 2:
        judge.pause_after.reset();
        judge.api.resume();
        break;
      case 3: judge.pause_after = 1 + static_cast<int>(script.byte() % 4); break;
      case 4: judge.abandon_on_head = !judge.abandon_on_head; break;
      case 5: judge.abandon_on_chunk = !judge.abandon_on_chunk; break;
      case 6: judge.invoke_at_once = !judge.invoke_at_once; break;
      case 7: {
        auto const size = std::min<std::size_t>(judge.api.wants_payload(), 1 + script.byte());
        if (judge.api.wants_payload() > 0) judge.api.receive_payload(std::string(size, 'p'));
        break;
      }
      case 8:
        if (!judge.api.wants_input()) break;
        if (!judge.receive(script.bytes(script.byte())).empty()) return;
        break;
      default:
        if (judge.api.wants_input() && !judge.receive(well_formed(script)).empty()) return;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  play(Script({reinterpret_cast<char const*>(data), size}));
  return 0;
}
