#include "sandbox/bpf_writer.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace faas::inline v0::sandbox {
namespace {

constexpr std::uint32_t kFurthest = 255;    // of a conditional jump
constexpr std::size_t kMostExceptions = 4;  // asked for one after the other

}  // namespace

BpfWriter::Target BpfWriter::emit(std::uint16_t code, std::uint32_t k, std::uint8_t yes,
                                  std::uint8_t no) {
  reversed_.push_back({code, yes, no, k});
  return {false, static_cast<std::uint32_t>(reversed_.size() - 1)};
}

BpfWriter::Target BpfWriter::give(std::uint32_t verdict) {
  auto const at = emit(BPF_RET | BPF_K, verdict);
  returns_[verdict] = at.value;
  return at;
}

// A place that a jump reaches over `room` instructions yet to be written.
BpfWriter::Target BpfWriter::near(Target target, std::uint32_t room) {
  auto const reaches = [&](std::uint32_t at) {
    return reversed_.size() + room - at - 1 <= kFurthest;
  };
  if (!target.verdict) return reaches(target.value) ? target : place(target);
  auto const it = returns_.find(target.value);
  if (it != returns_.end() && reaches(it->second)) return {false, it->second};
  return give(target.value);
}

// Where an instruction that has no jump of its own goes on: right behind it.
BpfWriter::Target BpfWriter::place(Target target) {
  if (target.verdict) return give(target.value);
  auto const distance = reversed_.size() - target.value - 1;
  if (distance == 0) return target;
  return emit(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(distance));
}

BpfWriter::Target BpfWriter::compare(std::uint16_t how, std::uint32_t k, Target yes, Target no) {
  auto const a = near(yes, 1), b = near(no, 0);
  auto const distance = [&](Target to) {
    return static_cast<std::uint8_t>(reversed_.size() - to.value - 1);
  };
  return emit(static_cast<std::uint16_t>(BPF_JMP | how | BPF_K), k, distance(a), distance(b));
}

BpfWriter::Target BpfWriter::any_of(std::uint32_t mask, Target yes, Target no) {
  return compare(BPF_JSET, mask, yes, no);
}

BpfWriter::Target BpfWriter::keep(std::uint32_t mask, Target next) {
  place(next);
  return emit(BPF_ALU | BPF_AND | BPF_K, mask);
}

BpfWriter::Target BpfWriter::load(std::uint32_t offset, Target next) {
  place(next);
  return emit(BPF_LD | BPF_W | BPF_ABS, offset);
}

// One target, but for single values within.
BpfWriter::Target BpfWriter::leaf(Iterator begin, Iterator end) {
  auto next = begin->target;
  for (auto it = end; it - begin >= 3; it -= 2)
    next = compare(BPF_JEQ, (it - 2)->first, (it - 2)->target, next);
  return next;
}

BpfWriter::Target BpfWriter::split(std::vector<Iterator> const& leaves, std::size_t begin,
                                   std::size_t end) {
  if (end - begin == 1) return leaf(leaves[begin], leaves[end]);
  auto const middle = begin + (end - begin) / 2;
  auto const above = split(leaves, middle, end);
  auto const below = split(leaves, begin, middle);
  return compare(BPF_JGE, leaves[middle]->first, above, below);
}

BpfWriter::Target BpfWriter::choose(std::vector<Range> const& ranges) {
  FAAS_CHECK(!ranges.empty() && ranges.front().first == 0);
  std::vector<Range> merged;
  for (auto const& range : ranges)
    if (merged.empty() || merged.back().target != range.target) merged.push_back(range);
  std::vector<Iterator> leaves;
  auto const excepts = [&](Iterator it) {  // a single value between two ranges of the same
    return merged.end() - it > 2 && (it + 1)->first + 1 == (it + 2)->first &&
           it->target == (it + 2)->target;
  };
  for (auto it = merged.cbegin(); it != merged.cend();) {
    leaves.push_back(it);
    for (std::size_t i = 0; i < kMostExceptions && excepts(it); ++i) it += 2;
    ++it;
  }
  auto const count = leaves.size();
  leaves.push_back(merged.cend());
  return split(leaves, 0, count);
}

std::string BpfWriter::finish(Target begin) {
  begin = place(begin);
  FAAS_CHECK(begin.value + 1 == reversed_.size());
  std::reverse(reversed_.begin(), reversed_.end());
  return {reinterpret_cast<char const*>(reversed_.data()), reversed_.size() * sizeof(sock_filter)};
}

}  // namespace faas::inline v0::sandbox
