#include "sandbox/seccomp.hpp"

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <map>
#include <optional>
#include <set>

#include "base/check.hpp"
#include "sandbox/bpf_writer.hpp"
#include "sandbox/seccomp_rules.hpp"

namespace faas::inline v0::sandbox {
namespace {

static_assert(std::endian::native == std::endian::little);  // where the halves of an argument are

// Numbered after the calls this list was written for: ENOSYS, so that a C library newer than we are
// tries the older call. 60 numbers are about ten years of kernels; after them it is EPERM again.
constexpr std::uint32_t kFirstUnknown = 452;
constexpr std::uint32_t kLastUnknown = 511;

using Target = BpfWriter::Target;

Target errno_of(int error) {
  return BpfWriter::verdict(SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error));
}
Target const kAllow = BpfWriter::verdict(SECCOMP_RET_ALLOW);
Target const kKill = BpfWriter::verdict(SECCOMP_RET_KILL_PROCESS);
Target const kRefuse = errno_of(EPERM);  // what is known and not allowed

// (the word of seccomp_data at that offset & mask) == value.
struct Test {
  std::uint32_t offset, mask, value;
  auto operator<=>(Test const&) const = default;
};
using Tests = std::vector<Test>;       // all of them
using Alternatives = std::set<Tests>;  // any of them

void add(Tests& tests, std::size_t offset, std::uint64_t mask, std::uint64_t value) {
  auto const low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
  FAAS_CHECK((low(value) & ~low(mask)) == 0);
  if (low(mask)) tests.push_back({static_cast<std::uint32_t>(offset), low(mask), low(value)});
}

Tests tests_of(ArgumentRule const& rule) {
  Tests tests;
  for (int i = 0; i < rule.compares; ++i) {
    auto const& c = rule.compare[i];
    auto const offset = offsetof(seccomp_data, args) + 8 * c.argument;
    add(tests, offset + 4, c.mask >> 32, c.value >> 32);
    add(tests, offset, c.mask, c.value);
  }
  return tests;
}

class Compiler {
 public:
  Compiler(SeccompClass which, bool memory_controller)
      : class_(1u << static_cast<unsigned>(which)), memory_controller_(memory_controller) {}

  std::string run() {
    for (auto const& rule : call_rules()) allow(rule);
    std::map<std::uint32_t, Alternatives> some;
    for (auto const& rule : argument_rules())
      if (auto const n = number_of(rule.call); n && !calls_.contains(*n))
        some[*n].insert(tests_of(rule));
    for (auto const& [n, alternatives] : some) calls_[n] = match(alternatives, kRefuse);
    for (auto const& rule : error_rules())
      if (auto const n = number_of(rule.call)) calls_.try_emplace(*n, errno_of(rule.error));
    for (auto n = kFirstUnknown; n <= kLastUnknown; ++n) calls_.try_emplace(n, errno_of(ENOSYS));
    // Only a call of another architecture (int 0x80, x32) kills.
    auto const number = writer_.load(offsetof(seccomp_data, nr), writer_.choose(by_number()));
    auto const ours = ::seccomp_arch_native();
    auto const begin = writer_.choose({{0, kKill}, {ours, number}, {ours + 1, kKill}});
    return writer_.finish(writer_.load(offsetof(seccomp_data, arch), begin));
  }

 private:
  // Nothing where this architecture has no such call: there is nothing to allow.
  static std::optional<std::uint32_t> number_of(char const* call) {
    int const n = ::seccomp_syscall_resolve_name(call);
    return n < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(n));
  }

  void allow(CallRule const& rule) {
    auto const n = number_of(rule.call);
    if (!n || !(rule.classes & class_)) return;
    if (rule.needs == Needs::memory_controller && !memory_controller_) return;
    calls_[*n] = kAllow;
  }

  // Values of one word, and what is left to ask then.
  struct Question {
    std::uint32_t offset = 0, mask = 0;
    std::map<std::uint32_t, Alternatives> answers;
    Alternatives others;  // do not ask for it
  };
  static Question ask(Alternatives const& all, std::uint32_t offset, std::uint32_t mask) {
    Question question{offset, mask, {}, {}};
    for (auto tests : all) {
      auto const it = std::find_if(tests.begin(), tests.end(), [&](Test const& test) {
        return test.offset == offset && test.mask == mask;
      });
      if (it == tests.end()) {
        question.others.insert(std::move(tests));
        continue;
      }
      auto const value = it->value;
      tests.erase(it);
      question.answers[value].insert(std::move(tests));
    }
    return question;
  }
  // That most of them ask, and of those the one with the fewest answers.
  static Question best_question(Alternatives const& all) {
    std::optional<Question> best;
    for (auto const& tests : all)
      for (auto const& test : tests) {
        auto question = ask(all, test.offset, test.mask);
        auto const cost = [](Question const& q) {
          return std::pair(q.others.size(), q.answers.size());
        };
        if (!best || cost(question) < cost(*best)) best = std::move(question);
      }
    return *best;
  }

  Target match(Alternatives const& all, Target otherwise) {
    if (all.empty()) return otherwise;
    if (all.contains({})) return kAllow;
    auto const [it, first] = known_.try_emplace({all, otherwise});
    if (!first) return it->second;
    auto const question = best_question(all);
    auto const no = match(question.others, otherwise);
    std::map<std::uint32_t, Target> answers;
    for (auto const& [value, left] : question.answers) answers[value] = match(left, no);
    return it->second = writer_.load(question.offset, answer(question.mask, answers, no));
  }

  Target answer(std::uint32_t mask, std::map<std::uint32_t, Target> const& answers, Target no) {
    if (mask != ~0u && answers.size() == 1 && answers.begin()->first == 0)
      return writer_.any_of(mask, no, answers.begin()->second);
    auto const chosen = writer_.choose(ranges(answers, no));
    return mask == ~0u ? chosen : writer_.keep(mask, chosen);
  }

  static std::vector<BpfWriter::Range> ranges(std::map<std::uint32_t, Target> const& values,
                                              Target otherwise) {
    std::vector<BpfWriter::Range> all{{0, otherwise}};
    for (auto const& [value, target] : values) {
      if (all.back().first == value) all.pop_back();
      all.push_back({value, target});
      if (value != ~0u) all.push_back({value + 1, otherwise});
    }
    return all;
  }

  std::vector<BpfWriter::Range> by_number() const {
    auto all = ranges(calls_, kRefuse);
#if defined(__x86_64__)
    constexpr std::uint32_t kX32 = 0x40000000;
    all.push_back({kX32, kKill});
    all.push_back({~0u, kRefuse});  // -1: a call that a tracer took back
#endif
    return all;
  }

  unsigned const class_;
  bool const memory_controller_;
  BpfWriter writer_;
  std::map<std::uint32_t, Target> calls_;  // by number; all others are refused
  std::map<std::pair<Alternatives, Target>, Target> known_;
};

}  // namespace

std::string compile_filter(SeccompClass which, bool memory_controller) {
  return Compiler(which, memory_controller).run();
}

}  // namespace faas::inline v0::sandbox
