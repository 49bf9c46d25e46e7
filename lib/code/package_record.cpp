#include "code/package_record.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/text.hpp"
#include "code/sha256.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::code {
namespace {

// The value of the line "<key> <value>\n" at the front of `text`, taken off it.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view key) {
  auto const end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  auto const line = text.substr(0, end);
  if (line.size() <= key.size() || !line.starts_with(key) || line[key.size()] != ' ') {
    return std::nullopt;
  }
  text.remove_prefix(end + 1);
  return line.substr(key.size() + 1);
}

std::optional<std::uint64_t> take_number(std::string_view& text, std::string_view key) {
  auto const value = take_line(text, key);
  if (!value) return std::nullopt;
  std::uint64_t number = 0;
  auto const end = value->data() + value->size();
  auto const [stop, failed] = std::from_chars(value->data(), end, number);
  if (failed != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

std::string to_record(Package const& package) {
  auto const lines = fmt::format("faas-package 1\ncode-sha256 {}\nsize {}\nunpacked {}\n",
                                 package.code_sha256, package.size.count, package.unpacked.count);
  return lines + fmt::format("sum {}\n", to_hex(sha256(sys::bytes_of(lines))));
}

std::optional<Package> from_record(std::string_view text, Digest digest) {
  auto rest = text;
  auto const version = take_line(rest, "faas-package");
  auto const code_sha256 = take_line(rest, "code-sha256");
  auto const size = take_number(rest, "size");
  auto const unpacked = take_number(rest, "unpacked");
  if (version != "1" || !code_sha256 || !size || !unpacked) return std::nullopt;
  Package package{std::move(digest), std::string(*code_sha256), {*size}, {*unpacked}};
  if (text != to_record(package) || upload_name(package).empty()) return std::nullopt;
  return package;
}

std::string upload_name(Package const& package) {
  auto const sum = from_base64(package.code_sha256);
  if (!sum || sum->size() != std::tuple_size_v<Sum>) return {};
  return to_hex(sys::bytes_of(*sum));
}

}  // namespace faas::inline v0::code
