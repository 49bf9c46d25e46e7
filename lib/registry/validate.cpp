#include "registry/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/text.hpp"
#include "registry/utf8.hpp"

namespace faas::inline v0::registry {
namespace {

constexpr std::string_view kReason = "InvalidParameterValueException";

// Sorted. LANG, PATH, LD_LIBRARY_PATH, NODE_PATH, PYTHONPATH, GEM_PATH, TZ, AWS_XRAY_* and
// AWS_LAMBDA_LOG_FORMAT/_LEVEL are a function's to set.
constexpr std::array<std::string_view, 26> kReserved{
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "_HANDLER",
    "_LAMBDA_TELEMETRY_LOG_FD",
};
static_assert(std::is_sorted(kReserved.begin(), kReserved.end()));

Error invalid(std::string message) {
  return {Errc::invalid_argument, std::move(message), std::string(kReason), "registry"};
}

// Lambda's form of a refused field. The value is the caller's: bounded, and made printable.
Error refused(std::string_view field, std::string_view value, std::string_view constraint) {
  auto shown = json_quote(value.substr(0, 80));
  auto const text = std::string_view(shown).substr(1, shown.size() - 2);
  auto error = invalid(fmt::format(
      "1 validation error detected: Value '{}{}' at '{}' failed to satisfy constraint: {}", text,
      value.size() > 80 ? "…" : "", field, constraint));
  error.reason = "ValidationException";
  return error;
}

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower_hex(char c) { return digit(c) || (c >= 'a' && c <= 'f'); }
bool word(char c) { return letter(c) || digit(c) || c == '_'; }
bool graphic(char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; }

template <class Test>
bool all_of(std::string_view text, Test test) {
  return std::all_of(text.begin(), text.end(), test);
}

Result<void> check_name(FunctionName const& name) {
  if (!is_function_name(name.name)) {
    return refused("functionName", name.name, "Member must be 1 to 64 characters of [a-zA-Z0-9-_]");
  }
  if (!is_account(name.account)) {
    return refused("account", name.account, "Member must be 12 digits");
  }
  return {};
}

// K16. Runtimes take it for a path below the package.
bool climbs(std::string_view handler) {
  while (!handler.empty()) {
    auto const slash = std::min(handler.find('/'), handler.size());
    if (handler.substr(0, slash) == "..") return true;
    handler.remove_prefix(std::min(slash + 1, handler.size()));
  }
  return false;
}

bool needs_handler(std::string_view runtime) {
  return runtime.starts_with("python") || runtime.starts_with("nodejs");
}

Result<void> check_digest(std::string_view field, Digest const& digest) {
  if (digest.hex.size() == 64 && all_of(digest.hex, lower_hex)) return {};
  return refused(field, digest.hex, "Member must be the digest of a stored package: 64 hex digits");
}

Result<void> check_program(Function const& f) {
  if (f.runtime.size() > 64 || !all_of(f.runtime, graphic) || !utf8_length(f.runtime)) {
    return refused("runtime", f.runtime, "Member must be at most 64 characters without spaces");
  }
  if (f.handler.size() > 128 || !all_of(f.handler, graphic) || !utf8_length(f.handler)) {
    return refused("handler", f.handler, "Member must be at most 128 characters without spaces");
  }
  if (climbs(f.handler)) {
    return refused("handler", f.handler, "Member must not have a component \"..\"");
  }
  if (needs_handler(f.runtime) && f.handler.empty()) {
    return refused("handler", "",
                   fmt::format("Member must name module.function for the runtime {}", f.runtime));
  }
  if (!f.code.empty()) return check_digest("code", f.code);
  return {};
}

Result<void> check_layers(std::vector<Digest> const& layers) {
  if (layers.size() > kMaxLayers) {
    return invalid(fmt::format("Cannot reference more than {} layers.", kMaxLayers));
  }
  for (auto const& layer : layers) {
    if (auto r = check_digest("layers", layer); !r) return r;
  }
  return {};
}

// Its channel carries one event and its answer, then the next.
Result<void> check_contract(Function const& f) {
  if (f.runtime != "native" || f.limits.capacity == 1) return {};
  return refused("capacity", fmt::format("{}", f.limits.capacity),
                 "Member must be 1 for the runtime native: its instances take one call at a time");
}

Result<void> check_mebibytes(std::string_view field, Bytes value, std::uint64_t least) {
  constexpr std::uint64_t kMost = 10'240;
  bool const whole = value.count % (1 << 20) == 0;
  if (whole && value.mib() >= least && value.mib() <= kMost) return {};
  auto const shown = whole ? fmt::format("{}", value.mib()) : fmt::format("{} bytes", value.count);
  return refused(field, shown, fmt::format("Member must be {} to {} whole MiB", least, kMost));
}

Result<void> check_limits(Limits const& limits) {
  using std::chrono::seconds;
  if (auto r = check_mebibytes("memorySize", limits.memory, 128); !r) return r;
  if (auto r = check_mebibytes("ephemeralStorage", limits.tmp, 512); !r) return r;
  if (limits.timeout < seconds(1) || limits.timeout > seconds(900)) {
    return refused("timeout", fmt::format("{} ms", limits.timeout.count()),
                   "Member must be 1 to 900 seconds");
  }
  if (limits.concurrency > kMaxConcurrency) {
    return refused("concurrency", fmt::format("{}", limits.concurrency),
                   fmt::format("Member must be 0 (no limit) to {}", kMaxConcurrency));
  }
  if (limits.queue > kMaxQueue) {
    return refused("queue", fmt::format("{}", limits.queue),
                   fmt::format("Member must be 0 to {}", kMaxQueue));
  }
  if (limits.capacity < 1 || limits.capacity > kMaxCapacity) {
    return refused(
        "capacity", fmt::format("{}", limits.capacity),
        fmt::format("Member must be 1 to {} calls at once in one instance", kMaxCapacity));
  }
  return {};
}

using Strings = std::map<std::string, std::string>;

bool is_variable_name(std::string_view name) {
  return name.size() >= 2 && letter(name[0]) && all_of(name.substr(1), word);
}

Result<void> check_reserved(Strings const& environment) {
  std::string used;
  for (auto const& [name, value] : environment) {
    if (is_reserved_variable(name)) used += (used.empty() ? "" : ", ") + name;
  }
  if (used.empty()) return {};
  return invalid(
      "Lambda was unable to configure your environment variables because the environment variables "
      "you have provided contains reserved keys that are currently not supported for modification. "
      "Reserved keys used in this request: " +
      used);
}

// Braces, and per variable two strings, a colon and a comma.
std::size_t size_as_json(Strings const& environment) {
  std::size_t size = 1 + (environment.empty() ? 1 : 0);
  for (auto const& [name, value] : environment) {
    size += json_quote(name).size() + json_quote(value).size() + 2;
  }
  return size;
}

// The values are often secrets: no message repeats them, unlike Lambda's.
Result<void> check_environment(Strings const& environment) {
  if (auto r = check_reserved(environment); !r) return r;
  for (auto const& [name, value] : environment) {
    if (!is_variable_name(name)) {
      return refused("environment.variables", name,
                     "Map keys must satisfy constraint: [Member must satisfy regular expression "
                     "pattern: [a-zA-Z]([a-zA-Z0-9_])+]");
    }
    if (value.find('\0') != std::string::npos || !utf8_length(value)) {
      return refused("environment.variables", name,
                     "Member's values must be UTF-8 without NUL; encode other bytes as base64");
    }
  }
  if (auto const size = size_as_json(environment); size > kMaxEnvironment) {
    return invalid(fmt::format(
        "Lambda was unable to configure your environment variables because the environment "
        "variables "
        "you have provided exceeded the 4KB limit. String measured: {} bytes of at most {}",
        size, kMaxEnvironment));
  }
  return {};
}

Result<void> check_text(std::string_view field, std::string_view text, std::size_t most) {
  if (auto const length = utf8_length(text); length && *length <= most) return {};
  return refused(field, text, fmt::format("Member must be at most {} characters of UTF-8", most));
}

Result<void> check_annotations(Strings const& annotations) {
  std::size_t size = 0;
  for (auto const& [key, value] : annotations) {
    if (key.empty() || !utf8_length(key) || !utf8_length(value)) {
      return refused("annotations", key,
                     "Member's keys must not be empty, keys and values must be UTF-8");
    }
    size += key.size() + value.size();
  }
  if (size <= kMaxAnnotations) return {};
  return refused("annotations", fmt::format("{} bytes", size),
                 fmt::format("Member must be at most {} bytes, keys and values", kMaxAnnotations));
}

bool is_alias_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && !all_of(name, digit) &&
         all_of(name, [](char c) { return word(c) || c == '-'; });
}

Result<void> check_compatible(Layer const& layer) {
  constexpr std::size_t kMostRuntimes = 15;
  if (layer.runtimes.size() > kMostRuntimes) {
    return refused("compatibleRuntimes", fmt::format("{} runtimes", layer.runtimes.size()),
                   fmt::format("Member must have at most {}", kMostRuntimes));
  }
  for (auto const& runtime : layer.runtimes) {
    if (!runtime.empty() && runtime.size() <= 64 && all_of(runtime, graphic) &&
        utf8_length(runtime))
      continue;
    return refused("compatibleRuntimes", runtime,
                   "Members must be 1 to 64 characters without spaces");
  }
  for (auto const& architecture : layer.architectures) {
    if (architecture == "x86_64" || architecture == "arm64") continue;
    return refused("compatibleArchitectures", architecture, "Members must be x86_64 or arm64");
  }
  if (layer.architectures.size() <= 2) return {};
  return refused("compatibleArchitectures", fmt::format("{} of them", layer.architectures.size()),
                 "Member must have at most 2");
}

}  // namespace

Result<void> validate_alias(std::string_view name, std::string_view description) {
  if (!is_alias_name(name)) {
    return refused("name", name,
                   "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
  }
  return check_text("description", description, 256);
}

bool is_function_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         all_of(name, [](char c) { return word(c) || c == '-'; });
}

bool is_account(std::string_view account) { return account.size() == 12 && all_of(account, digit); }

bool is_reserved_variable(std::string_view name) {
  return std::binary_search(kReserved.begin(), kReserved.end(), name);
}

Result<void> validate(Function const& f) {
  if (auto r = check_name(f.name); !r) return r;
  if (auto r = check_program(f); !r) return r;
  if (auto r = check_layers(f.layers); !r) return r;
  if (auto r = check_limits(f.limits); !r) return r;
  if (auto r = check_contract(f); !r) return r;
  if (auto r = check_environment(f.environment); !r) return r;
  if (auto r = check_text("description", f.description, 256); !r) return r;
  return check_annotations(f.annotations);
}

Result<void> validate(Layer const& layer) {
  if (!is_function_name(layer.name.name)) {
    return refused("layerName", layer.name.name,
                   "Member must be 1 to 64 characters of [a-zA-Z0-9-_]");
  }
  if (!is_account(layer.name.account))
    return refused("account", layer.name.account, "Member must be 12 digits");
  if (auto r = check_digest("code", layer.code); !r) return r;
  if (auto r = check_text("description", layer.description, 256); !r) return r;
  if (auto r = check_text("licenseInfo", layer.license, 512); !r) return r;
  return check_compatible(layer);
}

}  // namespace faas::inline v0::registry
