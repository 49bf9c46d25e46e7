#include <faas/code_cache.hpp>

#include "base/text.hpp"
#include "code/sha256.hpp"

namespace faas::inline v0 {

std::string code_sha256(std::string_view upload) {
  auto const sum = code::sha256(std::as_bytes(std::span(upload)));
  return to_base64({reinterpret_cast<char const*>(sum.data()), sum.size()});
}

}  // namespace faas::inline v0
