#include "registry/utf8.hpp"

#include <cstdint>

namespace faas::inline v0::registry {
namespace {

struct Form {
  unsigned char mask, lead;
  std::size_t size;
  std::uint32_t smallest;
};
constexpr Form kForms[] = {
    {0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

// Bytes of the character that `text` begins with; 0 if it begins with none.
std::size_t character(std::string_view text) {
  auto const first = static_cast<unsigned char>(text[0]);
  for (auto const& form : kForms) {
    if ((first & form.mask) != form.lead) continue;
    if (text.size() < form.size) return 0;
    std::uint32_t point = first & static_cast<unsigned char>(~form.mask);
    for (std::size_t i = 1; i < form.size; ++i) {
      auto const next = static_cast<unsigned char>(text[i]);
      if ((next & 0xc0) != 0x80) return 0;
      point = point << 6 | (next & 0x3f);
    }
    bool const surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < form.smallest || point > 0x10ffff || surrogate ? 0 : form.size;
  }
  return 0;
}

}  // namespace

std::optional<std::size_t> utf8_length(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    auto const size = character(text);
    if (size == 0) return std::nullopt;
    text.remove_prefix(size);
    ++count;
  }
  return count;
}

}  // namespace faas::inline v0::registry
