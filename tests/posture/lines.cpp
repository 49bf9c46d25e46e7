#include "posture/lines.hpp"

#include <algorithm>

namespace faas::test {

std::vector<std::pair<std::size_t, std::size_t>> matches(std::size_t n, std::size_t m,
                                                         Same const& same) {
  std::vector<std::vector<int>> longest(n + 1, std::vector<int>(m + 1));
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t j = m; j-- > 0;)
      longest[i][j] =
          same(i, j) ? longest[i + 1][j + 1] + 1 : std::max(longest[i + 1][j], longest[i][j + 1]);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    if (same(i, j))
      pairs.emplace_back(i++, j++);
    else
      longest[i + 1][j] >= longest[i][j + 1] ? ++i : ++j;
  }
  return pairs;
}

Lines difference(Lines const& before, Lines const& after) {
  Lines lines;
  std::size_t i = 0, j = 0;
  auto const up_to = [&](std::size_t before_end, std::size_t after_end) {
    for (; i < before_end; ++i) lines.push_back("- " + before[i]);
    for (; j < after_end; ++j) lines.push_back("+ " + after[j]);
  };
  auto const pairs = matches(before.size(), after.size(),
                             [&](std::size_t a, std::size_t b) { return before[a] == after[b]; });
  for (auto const& [same_before, same_after] : pairs) {
    up_to(same_before, same_after);
    ++i, ++j;
  }
  up_to(before.size(), after.size());
  return lines;
}

std::string joined(Lines const& lines, char const* end) {
  std::string text;
  for (auto const& line : lines) text += line + end;
  return text;
}

}  // namespace faas::test
