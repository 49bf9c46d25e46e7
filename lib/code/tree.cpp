#include "code/tree.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::code {

Digest Listing::digest() {
  std::sort(lines_.begin(), lines_.end(),
            [](Line const& a, Line const& b) { return a.path < b.path; });
  Sha256 hash;
  auto put = [&](std::string_view text) { hash.update(sys::bytes_of(text)); };
  put({"faas-tree 1\0", 12});
  for (auto const& line : lines_) {
    put({&line.kind, 1});
    put(" ");
    if (line.kind != 'd') put(to_hex(line.sum) + ' ');
    put({line.path.c_str(), line.path.size() + 1});
  }
  lines_.clear();
  return {to_hex(hash.finish())};
}

}  // namespace faas::inline v0::code
