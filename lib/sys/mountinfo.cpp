#include "sys/mountinfo.hpp"

#include <sstream>

namespace faas::inline v0::sys {
namespace {

// "\040" is a space: mountinfo writes space, tab, newline and backslash so.
std::string unescape(std::string const& text) {
  auto const octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) &&
        octal(text[i + 3])) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::vector<Mount> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, word;
    Mount m;
    if (!(words >> id >> parent >> device >> m.root >> m.point >> m.options)) continue;
    while (words >> word && word != "-") {
    }
    if (word != "-" || !(words >> m.type)) continue;
    words.get();
    std::getline(words, word, ' ');  // the source, which may be empty
    if (!(words >> m.super)) continue;
    m.root = unescape(m.root);
    m.point = unescape(m.point);
    mounts.push_back(std::move(m));
  }
  return mounts;
}

}  // namespace faas::inline v0::sys
