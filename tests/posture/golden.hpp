// The committed posture: one text for nine situations, which says at each line where it holds.
//
//   # why                    a comment: the reason of the lines below it
//   a line                   everywhere
//   [delegated] a line       only there; [tenth thread], [cold root]: call and rights, each all
//                            unless named
#pragma once

#include <array>
#include <bitset>
#include <string>
#include <string_view>
#include <vector>

#include "posture/lines.hpp"

namespace faas::test {

inline constexpr std::array<std::string_view, 3> kCalls = {"cold", "tenth", "thread"};
inline constexpr std::array<std::string_view, 3> kRights = {"root", "delegated", "unprivileged"};

// One of the nine: indices into kCalls and kRights.
struct Situation {
  std::size_t call = 0;
  std::size_t rights = 0;
  std::size_t index() const { return rights * kCalls.size() + call; }
};

class Golden {
 public:
  explicit Golden(std::string_view text);
  std::string text() const;

  // What has to be found there.
  Lines expected(Situation) const;
  // Makes it what was found there. Comments and what holds elsewhere stay.
  void accept(Situation, Lines const& found);
  // Lines that do not hold everywhere, without a comment above them or above their neighbours.
  Lines unexplained() const;

 private:
  using Where = std::bitset<kCalls.size() * kRights.size()>;
  struct Line {
    std::string text;
    Where where;  // none: a comment
  };
  static Lines tags(Where);
  void add(Line);

  std::vector<Line> lines_;
};

}  // namespace faas::test
