// The filters as numbers: each decides on every call as the one that libseccomp makes of the same
// rules, and is smaller. Both programs are run here, instruction by instruction.
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <vector>

#include "sandbox/bpf_writer.hpp"
#include "sandbox/seccomp.hpp"
#include "sandbox/seccomp_rules.hpp"
#include "sys/fd.hpp"

using namespace faas;
using namespace faas::sandbox;

namespace {

constexpr SeccompClass kClasses[] = {SeccompClass::general, SeccompClass::python,
                                     SeccompClass::node, SeccompClass::native};

using Program = std::vector<sock_filter>;

Program program_of(std::string const& bytes) {
  Program program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), bytes.size());
  return program;
}

// What a call is answered. Never SECCOMP_RET_LOG, which stands for a program that is none.
std::uint32_t run(Program const& program, seccomp_data const& data) {
  std::uint32_t a = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    auto const& i = program[at];
    auto const jump = [&](bool yes) { at += yes ? i.jt : i.jf; };
    switch (i.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&a, reinterpret_cast<char const*>(&data) + i.k, sizeof a);
        break;
      case BPF_ALU | BPF_AND | BPF_K: a &= i.k; break;
      case BPF_JMP | BPF_JA: at += i.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: jump(a == i.k); break;
      case BPF_JMP | BPF_JGE | BPF_K: jump(a >= i.k); break;
      case BPF_JMP | BPF_JGT | BPF_K: jump(a > i.k); break;
      case BPF_JMP | BPF_JSET | BPF_K: jump(a & i.k); break;
      case BPF_RET | BPF_K: return i.k;
      default: return SECCOMP_RET_LOG;
    }
  }
  return SECCOMP_RET_LOG;
}

// --- the same rules by libseccomp

using Context = std::unique_ptr<void, decltype(&::seccomp_release)>;

struct Reference {
  unsigned which;
  bool memory_controller;
  Context context{::seccomp_init(SCMP_ACT_ERRNO(EPERM)), &::seccomp_release};
  std::set<int> decided, whatever;

  void add(std::uint32_t action, int number, std::span<scmp_arg_cmp const> compares) {
    REQUIRE(::seccomp_rule_add_array(context.get(), action, number,
                                     static_cast<unsigned>(compares.size()), compares.data()) == 0);
  }
  void allow(CallRule const& rule) {
    int const n = ::seccomp_syscall_resolve_name(rule.call);
    if (n < 0 || !(rule.classes & which)) return;
    if (rule.needs == Needs::memory_controller && !memory_controller) return;
    decided.insert(n);
    whatever.insert(n);
    add(SCMP_ACT_ALLOW, n, {});
  }
  void allow(ArgumentRule const& rule) {
    int const n = ::seccomp_syscall_resolve_name(rule.call);
    if (n < 0 || whatever.contains(n)) return;
    decided.insert(n);
    std::vector<scmp_arg_cmp> compares;
    for (int i = 0; i < rule.compares; ++i) {
      auto const& c = rule.compare[i];
      compares.push_back({c.argument, SCMP_CMP_MASKED_EQ, c.mask, c.value});
    }
    add(SCMP_ACT_ALLOW, n, compares);
  }
  void refuse(int n, int error) {
    if (n >= 0 && decided.insert(n).second)
      add(SCMP_ACT_ERRNO(static_cast<unsigned>(error)), n, {});
  }

  Program program() {
    REQUIRE(::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0);
    for (auto const& rule : call_rules()) allow(rule);
    for (auto const& rule : argument_rules()) allow(rule);
    for (auto const& rule : error_rules())
      refuse(::seccomp_syscall_resolve_name(rule.call), rule.error);
    for (int n = 452; n <= 511; ++n) refuse(n, ENOSYS);
    sys::Fd file(::memfd_create("reference", MFD_CLOEXEC));
    REQUIRE(::seccomp_export_bpf(context.get(), file.get()) == 0);
    std::string bytes(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
    REQUIRE(::pread(file.get(), bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
    return program_of(bytes);
  }
};

// --- every call worth asking for

std::vector<std::uint32_t> numbers() {
  std::vector<std::uint32_t> all;
  for (std::uint32_t n = 0; n < 2048; ++n) all.push_back(n);
  for (std::uint32_t n = 0x40000000; n < 0x40000400; ++n) all.push_back(n);
  for (int bit = 0; bit < 32; ++bit)
    for (std::uint32_t const n : {1u << bit, (1u << bit) - 1, ~(1u << bit), ~(1u << bit) + 1})
      all.push_back(n);
  return all;
}

// Around the value of each rule: itself, its neighbours, and itself with any one bit changed.
std::vector<std::uint64_t> values_of(std::string_view call, unsigned argument) {
  std::set<std::uint64_t> all{0, 1, ~0ull};
  for (auto const& rule : argument_rules())
    for (int i = 0; rule.call == call && i < rule.compares; ++i) {
      auto const& c = rule.compare[i];
      if (c.argument != argument) continue;
      for (auto const near : {c.value, c.value - 1, c.value + 1}) all.insert(near);
      for (int bit = 0; bit < 64; ++bit) all.insert(c.value ^ 1ull << bit);
    }
  return {all.begin(), all.end()};
}

std::vector<seccomp_data> uses_of(char const* call) {
  std::vector<seccomp_data> all;
  seccomp_data data{};
  data.nr = ::seccomp_syscall_resolve_name(call);
  data.arch = ::seccomp_arch_native();
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> const values[] = {values_of(call, 0), values_of(call, 1),
                                               values_of(call, 2)};
  auto const ask = [&](std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    std::uint64_t const arguments[] = {a, b, c, random(), random(), random()};
    std::memcpy(data.args, arguments, sizeof arguments);
    all.push_back(data);
  };
  constexpr std::size_t kAll = 400'000;
  if (values[0].size() * values[1].size() * values[2].size() <= kAll) {
    for (auto const a : values[0])
      for (auto const b : values[1])
        for (auto const c : values[2]) ask(a, b, c);
    return all;
  }
  auto const any = [&](auto const& list) { return list[random() % list.size()]; };
  for (std::size_t i = 0; i < kAll; ++i) ask(any(values[0]), any(values[1]), any(values[2]));
  return all;
}

// The first on which they differ is told, not all.
void check_same(Program const& ours, Program const& reference,
                std::vector<seccomp_data> const& asked) {
  for (auto const& data : asked) {
    auto const found = run(ours, data), wanted = run(reference, data);
    if (found == wanted && found != SECCOMP_RET_LOG) continue;
    CAPTURE(data.nr);
    CAPTURE(data.arch);
    CAPTURE(data.args[0]);
    CAPTURE(data.args[1]);
    CAPTURE(data.args[2]);
    CHECK(found == wanted);
    CHECK(found != SECCOMP_RET_LOG);
    return;
  }
}

std::vector<seccomp_data> all_numbers() {
  std::vector<seccomp_data> all;
  for (auto const arch : {::seccomp_arch_native(), static_cast<std::uint32_t>(SCMP_ARCH_X86),
                          static_cast<std::uint32_t>(SCMP_ARCH_AARCH64), 0u, ~0u})
    for (auto const number : numbers())
      for (std::uint64_t const argument : {0ull, 1ull, ~0ull}) {
        seccomp_data data{};
        data.nr = static_cast<int>(number);
        data.arch = arch;
        for (auto& a : data.args) a = argument;
        all.push_back(data);
      }
  return all;
}

}  // namespace

TEST_CASE("a filter decides as libseccomp's of the same rules: by number and architecture") {
  auto const asked = all_numbers();
  for (auto const which : kClasses)
    for (bool const memory_controller : {false, true})
      check_same(program_of(compile_filter(which, memory_controller)),
                 Reference{1u << static_cast<unsigned>(which), memory_controller}.program(), asked);
}

TEST_CASE("a filter decides as libseccomp's of the same rules: by arguments") {
  std::set<std::string> calls;
  for (auto const& rule : argument_rules()) calls.insert(rule.call);
  CHECK(calls.size() == 8);
  for (auto const which : kClasses) {
    auto const ours = program_of(compile_filter(which, false));
    auto const reference = Reference{1u << static_cast<unsigned>(which), false}.program();
    for (auto const& call : calls) {
      CAPTURE(call);
      check_same(ours, reference, uses_of(call.c_str()));
    }
  }
}

TEST_CASE("a filter takes few instructions: each start has the kernel compile them anew") {
  for (auto const which : kClasses)
    CHECK(program_of(compile_filter(which, true)).size() <= 200);  // libseccomp's: 486 to 525
}

TEST_CASE("a program longer than a jump reaches decides the same") {
  for (std::uint32_t const count : {3u, 100u, 400u, 1500u}) {
    BpfWriter writer;
    std::vector<BpfWriter::Range> ranges;
    for (std::uint32_t i = 0; i < count; ++i)
      ranges.push_back({i * 10, BpfWriter::verdict(SECCOMP_RET_ERRNO | (i % 7))});
    auto const deep = writer.load(offsetof(seccomp_data, nr), writer.choose(ranges));
    auto const begin = writer.load(offsetof(seccomp_data, arch),
                                   writer.choose({{0, BpfWriter::verdict(SECCOMP_RET_ALLOW)},
                                                  {5, deep},
                                                  {6, BpfWriter::verdict(SECCOMP_RET_TRAP)}}));
    auto const program = program_of(writer.finish(begin));
    for (std::uint32_t number = 0; number < count * 10; ++number)
      for (std::uint32_t const arch : {4u, 5u, 6u}) {
        seccomp_data data{};
        data.nr = static_cast<int>(number);
        data.arch = arch;
        std::uint32_t const wanted = arch == 4   ? SECCOMP_RET_ALLOW
                                     : arch == 6 ? SECCOMP_RET_TRAP
                                                 : SECCOMP_RET_ERRNO | (number / 10 % 7);
        if (auto const found = run(program, data); found != wanted) {
          CAPTURE(number);
          CHECK(found == wanted);
          return;
        }
      }
  }
}
