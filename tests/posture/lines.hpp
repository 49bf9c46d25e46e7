// Texts compared line by line.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace faas::test {

using Lines = std::vector<std::string>;

// The longest sequence that two lists have in common, as pairs of indices.
using Same = std::function<bool(std::size_t, std::size_t)>;
std::vector<std::pair<std::size_t, std::size_t>> matches(std::size_t, std::size_t, Same const&);

// "- before" and "+ after" for each line that is not in both; nothing if they are the same.
Lines difference(Lines const& before, Lines const& after);

std::string joined(Lines const&, char const* end = "\n");

}  // namespace faas::test
