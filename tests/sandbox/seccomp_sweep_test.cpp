// The compiled filters, asked inside a jail: each answers as the rules say, which this file reads
// by itself, without libseccomp.
#include <fmt/format.h>
#include <seccomp.h>

#include <array>
#include <set>

#include "jails.hpp"
#include "sandbox/seccomp_rules.hpp"

using namespace faas;
using namespace faas::sandbox;
using namespace faas::test;

namespace {

// uretprobe and uprobe of x86-64: since Linux 6.13 no filter is asked. They serve the kernel's own
// probes, and end or refuse a caller that is none.
std::set<int> const kUnfiltered{335, 336};

struct Asked {
  int number = 0;
  std::array<std::uint64_t, 3> arguments{};
};

int number_of(char const* call) { return ::seccomp_syscall_resolve_name(call); }

bool matches(ArgumentRule const& rule, Asked const& asked) {
  if (number_of(rule.call) != asked.number) return false;
  for (int i = 0; i < rule.compares; ++i) {
    auto const& c = rule.compare[i];
    if ((asked.arguments[c.argument] & c.mask) != c.value) return false;
  }
  return true;
}

// "allowed", or the errno's name.
std::string expected(unsigned which, bool memory_controller, Asked const& asked) {
  for (auto const& rule : call_rules()) {
    bool const there = rule.needs == Needs::nothing || memory_controller;
    if (number_of(rule.call) == asked.number && (rule.classes & which) && there) return "allowed";
  }
  for (auto const& rule : argument_rules())
    if (matches(rule, asked)) return "allowed";
  for (auto const& rule : error_rules())
    if (number_of(rule.call) == asked.number) return ::strerrorname_np(rule.error);
  return asked.number >= 452 && asked.number <= 511 ? "ENOSYS" : "EPERM";
}

// The answers of one jail for each, in order. A jail takes as many as a file of a wish holds.
std::vector<std::string> answers(Jails& jails, SeccompClass which, std::vector<Asked> const& all) {
  constexpr std::size_t kAtOnce = 1024;
  std::vector<std::string> found;
  for (std::size_t begin = 0; begin < all.size(); begin += kAtOnce) {
    std::string list;
    for (std::size_t i = begin; i < std::min(all.size(), begin + kAtOnce); ++i)
      list += fmt::format("{} {:x} {:x} {:x}\n", all[i].number, all[i].arguments[0],
                          all[i].arguments[1], all[i].arguments[2]);
    auto spec = Jails::victim({"calls", "/etc/calls"});
    spec.files = {{"/etc/calls", list}};
    spec.seccomp = which;
    auto const story = jails.run(spec);
    REQUIRE(story.exited->code == 0);
    std::istringstream lines(story.output);
    for (std::string index, answer; lines >> index >> answer;) found.push_back(answer);
  }
  REQUIRE(found.size() == all.size());
  return found;
}

void check(Jails& jails, SeccompClass which, std::vector<Asked> const& all) {
  auto const found = answers(jails, which, all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto const wanted =
        expected(1u << static_cast<unsigned>(which), !jails.sandbox().degraded(), all[i]);
    CAPTURE(all[i].number);
    CAPTURE(all[i].arguments[0]);
    CAPTURE(all[i].arguments[1]);
    CAPTURE(all[i].arguments[2]);
    bool const refused = found[i] == "EPERM" || found[i] == "ENOSYS";
    CAPTURE(found[i]);
    if (wanted == "allowed")
      CHECK_FALSE(refused);
    else
      CHECK(found[i] == wanted);
  }
}

}  // namespace

TEST_CASE("every call number from 0 to 1023 is answered as the rules of its class say") {
  Jails jails;
  std::vector<Asked> all;
  for (int number = 0; number < 1024; ++number)
    if (!kUnfiltered.contains(number)) all.push_back({number, {}});
  for (auto const which :
       {SeccompClass::general, SeccompClass::python, SeccompClass::node, SeccompClass::native})
    check(jails, which, all);
}

TEST_CASE("each use that a rule allows is allowed, and with any one bit of it changed is not") {
  Jails jails;
  std::vector<Asked> all;
  for (auto const& rule : argument_rules()) {
    Asked exact{number_of(rule.call), {}};
    for (int i = 0; i < rule.compares; ++i)
      exact.arguments[rule.compare[i].argument] = rule.compare[i].value;
    all.push_back(exact);
    for (int i = 0; i < rule.compares; ++i)
      for (int bit = 0; bit < 64; ++bit) {
        if (!(rule.compare[i].mask >> bit & 1)) continue;
        auto changed = exact;
        changed.arguments[rule.compare[i].argument] ^= 1ull << bit;
        all.push_back(changed);
      }
  }
  for (auto const which :
       {SeccompClass::general, SeccompClass::python, SeccompClass::node, SeccompClass::native})
    check(jails, which, all);
}
