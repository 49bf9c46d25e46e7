// One attack: an untrusted function that tries something, called through the public API while a
// function of another account is called twenty times a second beside it. After each, what must hold
// after every attack is checked: the canary untouched, nothing left, memory where it was, no error
// at the neighbour, one record that says how the call ended.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "corpus/baseline.hpp"
#include "corpus/canary.hpp"
#include "support/host.hpp"
#include "support/said.hpp"

namespace faas::test {

// How the attacking call ended, and what the attempt printed.
struct Seen : Outcome {
  bool says(std::string_view line) const { return said(payload, line); }
  std::string answer(std::string_view name) const { return said_after(payload, name); }
};

class Corpus {
 public:
  // The attacker is this program of tests/victims: victim or attacker.
  explicit Corpus(std::string const& program = "victim");
  ~Corpus();

  Canary& canary() { return canary_; }
  Host& host() { return host_; }

  // Deploys the attacker, calls it with each event in turn (on one instance while that lives), and
  // removes it; what the last call saw. See tests/victims/serve.c for events.
  Seen attacks(std::vector<std::string> const& events, Limits limits = kLimits);
  Seen attack(std::string event, Limits limits = kLimits) {
    return attacks({std::move(event)}, limits);
  }

  static constexpr Limits kLimits{.timeout = 20s};

 private:
  struct Watch : Observer {
    void on_invocation(InvocationRecord const&) override;
    std::vector<std::pair<std::string, Status>> attacks;  // error type, status
  };

  void deploy(FunctionName name, TempDir const& package, Limits limits);
  asio::awaitable<std::vector<Outcome>> call(std::vector<std::string> events);
  asio::awaitable<void> neighbour_calls(bool const& done);
  void check_aftermath(Baseline const& before, std::size_t memory);

  Canary canary_;
  Watch watch_;
  TempDir attacker_, neighbour_;  // their packages
  Host host_;
  std::string runtime_id_;
  int neighbour_calls_ = 0;  // during this attack
  std::chrono::steady_clock::duration neighbour_slowest_{};
  std::string neighbour_errors_;
};

}  // namespace faas::test
