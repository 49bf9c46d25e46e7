#include <fmt/format.h>

#include <faas/function.hpp>

namespace faas::inline v0 {

std::string function_arn(FunctionName const& function, std::string_view region) {
  return fmt::format("arn:aws:lambda:{}:{}:function:{}", region, function.account, function.name);
}

}  // namespace faas::inline v0
