#include "corpus/corpus.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>

namespace faas::test {
namespace {

FunctionName const kAttacker("666666666666", "attacker");
FunctionName const kNeighbour("111111111111", "neighbour");
constexpr std::size_t kMemorySlack = 16 << 20;
constexpr auto kAftermath = 2s;  // what is left may take so long to go
// Generous, for the machine of the tests is shared: a neighbour that waits for the attack's end,
// or is stopped with it, is what it finds.
constexpr auto kNeighbourPatience = 2s;

Options watched(Observer& observer) {
  auto options = test_options();
  options.observer = &observer;
  return options;
}

asio::awaitable<RuntimeStatus> status_of(Runtime& runtime) { co_return co_await runtime.status(); }
asio::awaitable<Result<void>> remove(Runtime& runtime, FunctionName name) {
  co_return co_await runtime.remove(std::move(name));
}

void pack(std::string const& program, TempDir const& package) {
  for (auto const& name : {std::string("bootstrap"), program})  // some look for their own code
    std::filesystem::copy_file(FAAS_VICTIMS "/" + program, package / name);
  std::filesystem::permissions(package.path(), std::filesystem::perms(0755));
}

// A sanitizer keeps freed memory to find its use.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kMemoryIsOurs = false;
#else
constexpr bool kMemoryIsOurs = true;
#endif

}  // namespace

void Corpus::Watch::on_invocation(InvocationRecord const& record) {
  if (record.function == kAttacker) attacks.emplace_back(record.error_type, record.status);
}

Corpus::Corpus(std::string const& program) : host_(watched(watch_)) {
  pack(program, attacker_);
  pack("victim", neighbour_);
  runtime_id_ = host_.await(status_of(host_.runtime())).runtime_id;
  deploy(kNeighbour, neighbour_, kLimits);
  // Warm before anything is counted.
  REQUIRE(host_.await(host_.runtime().invoke(kNeighbour, "hello")).value().ok());
}

Corpus::~Corpus() = default;

void Corpus::deploy(FunctionName name, TempDir const& package, Limits limits) {
  Function function;
  function.name = std::move(name);
  function.runtime = "provided.al2023";
  function.handler = "any";
  function.code = host_.store(package);
  function.limits = limits;
  host_.deploy(std::move(function));
}

asio::awaitable<void> Corpus::neighbour_calls(bool const& done) {
  asio::steady_timer pause(host_.io());
  while (!done) {
    auto const asked = std::chrono::steady_clock::now();
    auto const outcome = co_await host_.runtime().invoke(kNeighbour, "hello");
    neighbour_slowest_ = std::max(neighbour_slowest_, std::chrono::steady_clock::now() - asked);
    ++neighbour_calls_;
    if (!outcome)
      neighbour_errors_ += outcome.error().message + "; ";
    else if (!outcome->ok())
      neighbour_errors_ += outcome->error_type + "; ";
    else if (!said(outcome->payload, "hello"))
      neighbour_errors_ += outcome->payload + "; ";
    pause.expires_after(50ms);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<std::vector<Outcome>> Corpus::call(std::vector<std::string> events) {
  std::vector<Outcome> outcomes;
  for (auto& event : events) {
    auto outcome = co_await host_.runtime().invoke(kAttacker, std::move(event));
    outcomes.push_back(outcome.value());
  }
  co_return outcomes;
}

Seen Corpus::attacks(std::vector<std::string> const& events, Limits limits) {
  auto const before = Baseline::now(runtime_id_);
  auto const memory = resident();
  deploy(kAttacker, attacker_, limits);
  watch_.attacks.clear();
  neighbour_calls_ = 0;
  neighbour_slowest_ = {};
  bool done = false;
  asio::co_spawn(host_.io(), neighbour_calls(done), [](std::exception_ptr e) {
    if (e) std::rethrow_exception(e);
  });
  auto ended =
      [](bool& flag,
         asio::awaitable<std::vector<Outcome>> work) -> asio::awaitable<std::vector<Outcome>> {
    auto outcomes = co_await std::move(work);
    flag = true;
    co_return outcomes;
  };
  auto const outcomes = host_.await(ended(done, call(events)));
  CHECK(host_.await(remove(host_.runtime(), kAttacker)).has_value());
  REQUIRE(watch_.attacks.size() == events.size());
  CHECK(watch_.attacks.back().second == outcomes.back().status);
  CHECK(watch_.attacks.back().first == outcomes.back().error_type);
  check_aftermath(before, memory);
  return {outcomes.back()};
}

void Corpus::check_aftermath(Baseline const& before, std::size_t memory) {
  // The instance goes with its function; its processes, and a network's own clean-up, take a
  // moment.
  std::string difference;
  auto const deadline = std::chrono::steady_clock::now() + kAftermath;
  do {
    asio::steady_timer pause(host_.io(), 20ms);
    pause.async_wait([](auto) {});
    host_.run();
    difference = Baseline::now(runtime_id_).difference(before);
  } while (!difference.empty() && std::chrono::steady_clock::now() < deadline);
  CHECK(difference == "");
  CHECK(canary_.touched() == "");
  CHECK(neighbour_calls_ > 0);
  CHECK(neighbour_errors_ == "");
  CHECK(neighbour_slowest_ < kNeighbourPatience);
  if (kMemoryIsOurs) CHECK(resident() < memory + kMemorySlack);
}

}  // namespace faas::test
