// DEPS: contract base
// The Runtime API against a hostile environment. First byte even: the rest is one connection's
// bytes, read whole and in small pieces, which must not differ. Odd: the rest is a script of what
// peers and invoker do, with one invocation at a time or, from 128 on, with three.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "contract/environment.hpp"

namespace {

using contract_test::ConnectionId;
using contract_test::Environment;
using contract_test::invocation;

constexpr std::size_t kLimit = 1000;

contract_test::contract::RuntimeApi::Options small_limits(unsigned capacity) {
  contract_test::contract::RuntimeApi::Options options;
  options.head_limit = 100'000;
  options.drain_limit = 2000;
  options.max_connections = 4;
  options.capacity = capacity;
  return options;
}

// Every invocation ends once, within its limit, and is heard of only while it runs.
class Judge : public Environment {
 public:
  explicit Judge(unsigned capacity = 1)
      : Environment(small_limits(capacity)), capacity_(capacity) {}

  void on_next() override {
    FAAS_CHECK(capacity_ > 1 || running() == 0);  // several workers may ask and not answer
    Environment::on_next();
    if (invoke_at_once) invoke();
  }
  void on_response_head(std::string_view id, std::string_view type, bool streaming) override {
    expect(id);
    Environment::on_response_head(id, type, streaming);
  }
  bool on_response_chunk(std::string_view id, std::string_view bytes) override {
    expect(id);
    FAAS_CHECK(!bytes.empty());
    FAAS_CHECK((given_.at(std::string(id)).received += bytes.size()) <= kLimit);
    if (abandon_on_chunk) abandon();
    return Environment::on_response_chunk(id, bytes);
  }
  void on_response_end(std::string_view id,
                       std::optional<contract_test::contract::FunctionFailure> f) override {
    end(id);
    Environment::on_response_end(id, std::move(f));
  }
  void on_response_failed(std::string_view id,
                          contract_test::contract::FunctionFailure f) override {
    end(id);
    Environment::on_response_failed(id, std::move(f));
  }
  void on_invocation_error(std::string_view id,
                           contract_test::contract::FunctionFailure f) override {
    end(id);
    FAAS_CHECK(f.payload.size() <= contract_test::contract::kPayloadLimit);
    Environment::on_invocation_error(id, std::move(f));
  }
  void send(ConnectionId id, std::string_view head, std::string_view body) override {
    FAAS_CHECK(!closed.contains(id));
    FAAS_CHECK(head.starts_with("HTTP/1.1 ") && head.ends_with("\r\n\r\n"));
    FAAS_CHECK(head.find("\r\n\r\n") == head.size() - 4);
    if (head.starts_with("HTTP/1.1 100 ")) return;  // only sent where the body has not come yet
    constexpr std::string_view kId = "Lambda-Runtime-Aws-Request-Id: ";
    if (auto const at = head.find(kId); at != head.npos) hand_out(head.substr(at + kId.size(), 36));
    Environment::send(id, head, body);
  }
  void close(ConnectionId id) override { FAAS_CHECK(closed.insert(id).second); }

  void invoke() {
    if (given_.size() == capacity_) return;
    do number_ = number_ % 9 + 1;
    while (given_.contains(contract_test::request_id(number_)));
    given_[contract_test::request_id(number_)] = {};
    api.invoke(invocation(number_), kLimit);
  }
  void abandon() {
    given_.clear();
    api.abandon();
    FAAS_CHECK(!api.busy());
  }
  // The one that was given first by number.
  void abandon_one() {
    if (given_.empty()) return;
    auto const id = given_.begin()->first;
    given_.erase(id);
    api.abandon(id);
  }

  bool abandon_on_chunk = false;
  bool invoke_at_once = false;

 private:
  struct Given {
    bool running = false;  // handed out
    std::size_t received = 0;
  };

  std::size_t running() const {
    return static_cast<std::size_t>(std::count_if(given_.begin(), given_.end(),
                                                  [](auto const& g) { return g.second.running; }));
  }
  // Again only where one runs at a time.
  void hand_out(std::string_view id) {
    auto& given = given_.at(std::string(id));
    FAAS_CHECK(!given.running || capacity_ == 1);
    given.running = true;
  }
  void expect(std::string_view id) { FAAS_CHECK(given_.at(std::string(id)).running); }
  void end(std::string_view id) {
    expect(id);
    given_.erase(std::string(id));
    FAAS_CHECK(api.busy() == !given_.empty());
  }

  unsigned capacity_;
  std::map<std::string, Given> given_;  // and not ended
  int number_ = 0;
};

struct Seen {
  std::vector<std::string> events;
  std::string answers;
  bool closed;
  bool operator==(Seen const&) const = default;
};

Seen read_in_pieces(std::string_view bytes, std::size_t step) {
  Judge judge;
  judge.invoke_at_once = true;
  auto const id = judge.open();
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size())))
    judge.api.receive(id, bytes.substr(0, step));
  return {judge.events, judge.answers[id], judge.closed.contains(id)};
}

void compare_splits(std::string_view bytes) {
  auto const whole = read_in_pieces(bytes, bytes.size());
  for (std::size_t step : {1, 2, 7, 100}) FAAS_CHECK(read_in_pieces(bytes, step) == whole);
}

void play(std::string_view script, unsigned capacity) {
  Judge judge(capacity);
  std::vector<ConnectionId> open;
  auto const take = [&] {
    auto const byte = static_cast<unsigned char>(script.front());
    script.remove_prefix(1);
    return byte;
  };
  while (script.size() >= 2) {
    auto const verb = take();
    std::erase_if(open, [&](auto id) { return judge.closed.contains(id); });
    ConnectionId const id = open.empty() ? 0 : open[verb / 16 % open.size()];
    switch (verb % 16) {
      case 0:
        if (auto fresh = judge.api.open()) open.push_back(*fresh);
        break;
      case 1:
        judge.api.closed(id);
        judge.closed.insert(id);
        break;
      case 2:
        judge.api.end_of_input(id);
        FAAS_CHECK(id == 0 || judge.closed.contains(id));
        break;
      case 3: judge.invoke(); break;
      case 4: judge.abandon(); break;
      case 5:
        judge.pause_after.reset();
        judge.api.resume();
        break;
      case 6: judge.pause_after = 1 + verb / 64; break;
      case 7:
        if (verb >= 128) {
          judge.abandon_one();
        } else {
          judge.abandon_on_chunk = !judge.abandon_on_chunk;
        }
        break;
      default: {
        auto const wished = take() * std::size_t{4};  // before the size: it shortens the script
        auto const size = std::min(wished, script.size());
        if (judge.api.wants_input(id)) judge.api.receive(id, script.substr(0, size));
        script.remove_prefix(size);
      }
    }
    FAAS_CHECK(judge.api.connections() <= 4);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view const rest(reinterpret_cast<char const*>(data) + 1, size - 1);
  data[0] % 2 == 0 ? compare_splits(rest) : play(rest, data[0] < 128 ? 1 : 3);
  return 0;
}
