#include "http/blobs.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kPiece = 64 * 1024;  // of base64 text; a multiple of 4

std::size_t copy_front(std::string const& from, std::size_t& at, std::span<std::byte> to) {
  auto const count = std::min(from.size() - at, to.size());
  if (count > 0) std::memcpy(to.data(), from.data() + at, count);
  at += count;
  return count;
}

}  // namespace

Result<std::size_t> StringBlob::read(std::span<std::byte> buffer) {
  return copy_front(bytes_, at_, buffer);
}

Result<std::size_t> Base64Blob::read(std::span<std::byte> buffer) {
  if (at_ == decoded_.size() && !rest_.empty()) {
    auto const piece = rest_.substr(0, kPiece);
    rest_.remove_prefix(piece.size());
    auto decoded = from_base64(piece);
    bool const padded_early = !rest_.empty() && piece.ends_with('=');
    if (!decoded || padded_early) {
      return Error{Errc::invalid_argument, "ZipFile is not base64 text (RFC 4648, with padding)",
                   "InvalidParameterValueException", "code"};
    }
    decoded_ = std::move(*decoded);
    at_ = 0;
  }
  return copy_front(decoded_, at_, buffer);
}

}  // namespace faas::inline v0::http
