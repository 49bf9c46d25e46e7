#include "code/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faas::inline v0::code {
namespace {

struct CodePoint {
  char32_t value;
  std::size_t length;  // 0: not UTF-8
};

// Table 3-7 of the Unicode standard: the second byte's range depends on the first.
CodePoint decode(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned const first = at(0);
  if (first < 0x80) return {first, 1};
  std::size_t const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {0, 0};
  unsigned const low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned const high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < low || at(1) > high) return {0, 0};
  char32_t value = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {0, 0};
    value = value << 6 | (at(i) & 0x3f);
  }
  return {value, length};
}

void append(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

constexpr bool within(char32_t c, char32_t low, char32_t high) { return c >= low && c <= high; }

// Simple case folding (CaseFolding.txt, status C) of the scripts whose letters come in pairs.
char32_t fold(char32_t c) {
  if (within(c, 'A', 'Z')) return c + 32;
  if (within(c, 0xc0, 0xde) && c != 0xd7) return c + 32;
  if (c == 0x178) return 0xff;
  if (c == 0x17f) return 's';
  if (c == 0x212a) return 'k';   // the Kelvin sign
  if (c == 0x212b) return 0xe5;  // the Angstrom sign
  if (within(c, 0x100, 0x137) || within(c, 0x14a, 0x177)) return c == 0x130 ? c : c | 1;
  if (within(c, 0x139, 0x148) || within(c, 0x179, 0x17e)) return c % 2 == 1 ? c + 1 : c;
  if (within(c, 0x391, 0x3ab) && c != 0x3a2) return c + 32;
  if (c == 0x3c2) return 0x3c3;  // final sigma
  if (within(c, 0x410, 0x42f)) return c + 32;
  if (within(c, 0x400, 0x40f)) return c + 80;
  return c;
}

bool has_drive_letter(std::string_view path) {
  auto const c = static_cast<unsigned char>(path[0] | 0x20);
  return path.size() >= 2 && path[1] == ':' && c >= 'a' && c <= 'z';
}

std::optional<std::string> complaint_about_component(std::string_view component) {
  if (component.empty()) return "its name has an empty component";
  if (component == ".") return "its name has a \".\" component";
  if (component == "..") return "its name has a \"..\" component";
  if (component.size() <= kMaxComponent) return std::nullopt;
  return fmt::format("its name has a component of {} bytes, the limit is {}", component.size(),
                     kMaxComponent);
}

std::optional<std::string> complaint_about_components(std::string_view path) {
  std::size_t depth = 0;
  for (std::size_t start = 0; start <= path.size();) {
    auto const end = std::min(path.find('/', start), path.size());
    if (auto complaint = complaint_about_component(path.substr(start, end - start))) {
      return complaint;
    }
    if (++depth > kMaxDepth) {
      return fmt::format("it lies more than {} directories deep, the limit", kMaxDepth);
    }
    start = end + 1;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> complaint_about_path(std::string_view path) {
  if (path.empty()) return "its name is empty";
  if (path.size() > kMaxPath) {
    return fmt::format("its name has {} bytes, the limit is {}", path.size(), kMaxPath);
  }
  if (path.find('\0') != path.npos) return "its name holds a NUL byte";
  if (path.find('\\') != path.npos) return "its name holds a backslash";
  if (path[0] == '/') return "its name is absolute";
  if (has_drive_letter(path)) return "its name begins with a drive letter";
  if (!is_utf8(path)) return "its name is not valid UTF-8";
  return complaint_about_components(path);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    auto const length = decode(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string fold_case(std::string_view component) {
  std::string out;
  out.reserve(component.size());
  while (!component.empty()) {
    auto const [value, length] = decode(component);
    if (length == 0) return out.append(component);
    append(out, fold(value));
    component.remove_prefix(length);
  }
  return out;
}

std::string shown(std::string_view name) {
  constexpr std::size_t kShown = 100;
  std::string out = "\"";
  auto show = [&](std::string_view part) {
    for (char c : part) {
      bool const plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
      out += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  };
  bool const cut = name.size() > 2 * kShown;
  show(cut ? name.substr(0, kShown) : name);
  if (cut) {
    out += "...";
    show(name.substr(name.size() - kShown));
  }
  return out + '"';
}

}  // namespace faas::inline v0::code
