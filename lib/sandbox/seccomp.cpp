#include "sandbox/seccomp.hpp"

#include <fmt/format.h>
#include <seccomp.h>
#include <sys/mman.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <set>

#include "sandbox/seccomp_rules.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::sandbox {
namespace {

// Numbered after the calls this list was written for: ENOSYS, so that a C library newer than we are
// tries the older call. 60 numbers are about ten years of kernels; after them it is EPERM again.
constexpr int kFirstUnknown = 452;
constexpr int kLastUnknown = 511;

class Compiler {
 public:
  Compiler(SeccompClass which, bool memory_controller)
      : class_(1u << static_cast<unsigned>(which)), memory_controller_(memory_controller) {}

  Result<std::string> run() {
    // EPERM for what is known and not allowed; only a call of another architecture (int 0x80, x32)
    // kills.
    context_.reset(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!context_) return failed("init", -ENOMEM);
    attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    // A tree instead of a list: a third of the time to load, which every start of a jail pays.
    attribute(SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (auto const& rule : call_rules()) allow(rule);
    for (auto const& rule : argument_rules()) allow(rule);
    for (auto const& rule : error_rules()) refuse(rule.call, rule.error);
    for (int n = kFirstUnknown; n <= kLastUnknown; ++n) refuse(n, ENOSYS);
    if (error_) return *error_;
    return bytes();
  }

 private:
  static Error failed(std::string const& what, int error) {
    return {Errc::internal, fmt::format("libseccomp: {}: error {}", what, -error), {}, "start"};
  }
  void note(std::string const& what, int result) {
    if (result < 0 && !error_) error_ = failed(what, result);
  }
  void attribute(scmp_filter_attr which, std::uint32_t value) {
    note("attribute", ::seccomp_attr_set(context_.get(), which, value));
  }

  // Nothing where this architecture has no such call: there is nothing to allow.
  static std::optional<int> number_of(char const* call) {
    int const n = ::seccomp_syscall_resolve_name(call);
    return n < 0 ? std::nullopt : std::optional(n);
  }

  void allow(CallRule const& rule) {
    auto const n = number_of(rule.call);
    if (!n || !(rule.classes & class_)) return;
    if (rule.needs == Needs::memory_controller && !memory_controller_) return;
    decided_.insert(*n);
    whatever_.insert(*n);
    note(rule.call, ::seccomp_rule_add_array(context_.get(), SCMP_ACT_ALLOW, *n, 0, nullptr));
  }

  void allow(ArgumentRule const& rule) {
    auto const n = number_of(rule.call);
    if (!n || whatever_.contains(*n)) return;
    decided_.insert(*n);
    scmp_arg_cmp compare[3];
    for (int i = 0; i < rule.compares; ++i) {
      auto const& c = rule.compare[i];
      bool const whole = c.mask == ~0ull;
      compare[i] = {c.argument, whole ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ, whole ? c.value : c.mask,
                    whole ? 0 : c.value};
    }
    note(rule.call, ::seccomp_rule_add_array(context_.get(), SCMP_ACT_ALLOW, *n,
                                             static_cast<unsigned>(rule.compares), compare));
  }

  void refuse(char const* call, int error) {
    if (auto const n = number_of(call)) refuse(*n, error);
  }
  void refuse(int n, int error) {
    if (!decided_.insert(n).second) return;
    note(fmt::format("refuse {}", n),
         ::seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error)), n,
                                  0, nullptr));
  }

  Result<std::string> bytes() {
    sys::Fd file(::memfd_create("filter", MFD_CLOEXEC));
    if (!file) return sys::errno_error("memfd_create", errno);
    if (int const r = ::seccomp_export_bpf(context_.get(), file.get()); r < 0)
      return failed("export", r);
    std::string program(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
    auto const read = sys::read_at(
        file.get(), 0, std::as_writable_bytes(std::span(program.data(), program.size())));
    if (!read) return read.error();
    return program;
  }

  unsigned const class_;
  bool const memory_controller_;
  std::unique_ptr<void, decltype(&::seccomp_release)> context_{nullptr, &::seccomp_release};
  std::set<int> decided_, whatever_;  // calls: those with a rule, those allowed with any arguments
  std::optional<Error> error_;
};

}  // namespace

Result<std::string> compile_filter(SeccompClass which, bool memory_controller) {
  return Compiler(which, memory_controller).run();
}

}  // namespace faas::inline v0::sandbox
