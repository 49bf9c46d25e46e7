// The ways an AWS client names a layer: NAME and the ARN; and a version of it: the ARN with a
// number.
#pragma once

#include <cstdint>
#include <faas/layer.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "http/function_ref.hpp"

namespace faas::inline v0::http {

struct LayerVersionRef {
  LayerName name;
  std::uint64_t version = 0;
  std::string_view region;  // views into what was parsed
};

// `text` is the decoded path segment.
LambdaResult<LayerName> parse_layer_name(std::string_view text, Here);
// The number in a path. Errors: InvalidParameterValueException, ValidationException.
LambdaResult<std::uint64_t> parse_layer_version(std::string_view text);
// Nothing: it is no ARN of a layer version. The region is the caller's to compare.
std::optional<LayerVersionRef> parse_layer_version_arn(std::string_view text);

std::string layer_version_arn(LayerName const&, std::uint64_t version, std::string_view region);

}  // namespace faas::inline v0::http
