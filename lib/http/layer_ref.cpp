#include "http/layer_ref.hpp"

#include <fmt/format.h>

#include <charconv>

#include "http/constraints.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kArnLimit = 140;
constexpr std::size_t kNameLimit = 64;
constexpr std::string_view kPattern =
    "(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+";

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// What precedes the next colon, which is taken off with it.
std::string_view take_part(std::string_view& text) {
  auto const part = text.substr(0, text.find(':'));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

struct Arn {
  std::string_view region, account, name, version;  // version empty: none
};

std::optional<Arn> take_apart(std::string_view text) {
  Arn arn;
  if (text.size() > kArnLimit || text.ends_with(':') || take_part(text) != "arn") return {};
  auto const partition = take_part(text);
  if (partition.empty() || !is_made_of(partition, "-") || take_part(text) != "lambda") return {};
  arn.region = take_part(text);
  arn.account = take_part(text);
  if (take_part(text) != "layer") return {};
  arn.name = take_part(text);
  arn.version = take_part(text);
  bool const fits = !arn.region.empty() && is_made_of(arn.region, "-") && is_number(arn.account) &&
                    arn.account.size() == 12 && !arn.name.empty() && is_made_of(arn.name, "-_") &&
                    (arn.version.empty() || is_number(arn.version)) && text.empty();
  return fits ? std::optional(arn) : std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::int64_t number = 0;  // as the service model has it
  auto const end = text.data() + text.size();
  auto const [stop, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc() || stop != end || number < 1) return std::nullopt;
  return static_cast<std::uint64_t>(number);
}

}  // namespace

LambdaResult<LayerName> parse_layer_name(std::string_view text, Here here) {
  if (text.empty() || text.size() > kArnLimit) {
    return constraint_error(in_quotes(text), "layerName",
                            text.empty() ? "have length greater than or equal to 1"
                                         : "have length less than or equal to 140");
  }
  bool const is_arn = text.find(':') != std::string_view::npos;
  auto const arn = is_arn ? take_apart(text) : Arn{here.region, here.account, text, {}};
  if (!arn || !arn->version.empty() || !is_made_of(arn->name, "-_"))
    return pattern_error(text, "layerName", kPattern);
  if (arn->name.size() > kNameLimit) {
    return constraint_error(in_quotes(arn->name), "layerName",
                            "have length less than or equal to 64");
  }
  if (arn->region != here.region) {
    return LambdaError{"ResourceNotFoundException",
                       fmt::format("Layers from '{}' are not reachable in this region ('{}')",
                                   arn->region, here.region)};
  }
  return LayerName{std::string(arn->account), std::string(arn->name)};
}

LambdaResult<std::uint64_t> parse_layer_version(std::string_view text) {
  if (auto const number = number_of(text)) return *number;
  auto const digits = text.starts_with('-') ? text.substr(1) : text;
  if (is_number(digits)) {
    return invalid_parameter(text.size() == digits.size() &&
                                     text.find_first_not_of('0') != text.npos
                                 ? "Layer Version is out of range"
                                 : "Layer Version Cannot be less than 1.");
  }
  return constraint_error(in_quotes(text), "versionNumber", "be a number");
}

std::optional<LayerVersionRef> parse_layer_version_arn(std::string_view text) {
  auto const arn = take_apart(text);
  if (!arn || arn->version.empty()) return std::nullopt;
  // A number that no version can have names a version that is not there.
  return LayerVersionRef{{std::string(arn->account), std::string(arn->name)},
                         number_of(arn->version).value_or(0),
                         arn->region};
}

std::string layer_version_arn(LayerName const& name, std::uint64_t version,
                              std::string_view region) {
  return fmt::format("{}:{}", layer_arn(name, region), version);
}

}  // namespace faas::inline v0::http
