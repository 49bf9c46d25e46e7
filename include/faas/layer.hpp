// Layers: packages that functions see at /opt, published as numbered versions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/function.hpp>
#include <faas/units.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0 {

inline constexpr std::size_t kMaxLayers = 5;  // of one function

// A layer is owned by an account; names are unique within it.
// name: 1..64 of [a-zA-Z0-9-_]. account: 12 digits.
struct LayerName {
  std::string account{kDefaultAccount};
  std::string name;
  friend auto operator<=>(LayerName const&, LayerName const&) = default;
};

// What is published. Only name and code have no usable default.
struct Layer {
  LayerName name;
  Digest code;                        // from Runtime::store or CodeCache::store; its root is /opt
  std::string description;            // 0..256 characters
  std::string license;                // 0..512 characters
  std::vector<std::string> runtimes;  // it is meant for; at most 15; nothing is enforced
  std::vector<std::string> architectures;  // x86_64, arm64; nothing is enforced
  friend bool operator==(Layer const&, Layer const&) = default;
};

// A published version: immutable. Numbers count from 1 and never come back, also after all versions
// of the layer were removed.
struct LayerInfo {
  Layer layer;
  std::uint64_t version = 0;
  std::string code_sha256;  // base64 of SHA-256 of the uploaded bytes
  Bytes code_size;          // of the uploaded bytes
  SystemTime created{};
};

// Which versions a list shows; empty: all. A version that names no runtimes (architectures) is
// shown only where none is asked for. Views are copied before a call returns.
struct LayerFilter {
  std::string_view runtime;
  std::string_view architecture;
};

// "arn:aws:lambda:<region>:<account>:layer:<name>"
std::string layer_arn(LayerName const&, std::string_view region);

}  // namespace faas::inline v0
