// Programs of classic BPF, written from their last instruction to their first: every jump leads
// forward, to what is known by then. As few instructions as may be: the kernel checks, rewrites and
// compiles them anew for each jail.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace faas::inline v0::sandbox {

class BpfWriter {
 public:
  // A place in the program, or a verdict that a jump may lead to.
  struct Target {
    bool verdict = false;
    std::uint32_t value = 0;  // as SECCOMP_RET_…, or the place counted from the end
    auto operator<=>(Target const&) const = default;
  };
  static Target verdict(std::uint32_t value) { return {true, value}; }

  // What stands for the values from `first` up to the next one's.
  struct Range {
    std::uint32_t first = 0;
    Target target;
  };

  // Tells by the value of the accumulator. The first range begins at 0. The place to load it at.
  Target choose(std::vector<Range> const& ranges);
  // Tells whether a bit of `mask` is set in the accumulator.
  Target any_of(std::uint32_t mask, Target yes, Target no);
  // Keeps those bits of the accumulator only, and goes on at `next`.
  Target keep(std::uint32_t mask, Target next);
  // Loads the word at that offset of seccomp_data, and goes on at `next`.
  Target load(std::uint32_t offset, Target next);

  // From its first instruction, `begin`, which was written last.
  std::string finish(Target begin);

 private:
  using Iterator = std::vector<Range>::const_iterator;
  Target emit(std::uint16_t code, std::uint32_t k, std::uint8_t yes = 0, std::uint8_t no = 0);
  Target compare(std::uint16_t how, std::uint32_t k, Target yes, Target no);
  Target give(std::uint32_t verdict);
  Target near(Target target, std::uint32_t room);
  Target place(Target target);
  Target leaf(Iterator begin, Iterator end);
  Target split(std::vector<Iterator> const& leaves, std::size_t begin, std::size_t end);

  std::vector<sock_filter> reversed_;
  std::map<std::uint32_t, std::uint32_t> returns_;  // the nearest of each verdict
};

}  // namespace faas::inline v0::sandbox
