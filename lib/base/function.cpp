#include <fmt/format.h>

#include <faas/function.hpp>
#include <faas/layer.hpp>

namespace faas::inline v0 {

std::string function_arn(FunctionName const& function, std::string_view region) {
  return fmt::format("arn:aws:lambda:{}:{}:function:{}", region, function.account, function.name);
}

std::string layer_arn(LayerName const& layer, std::string_view region) {
  return fmt::format("arn:aws:lambda:{}:{}:layer:{}", region, layer.account, layer.name);
}

}  // namespace faas::inline v0
