#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <faas/control.hpp>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>

#include "control/json_place.hpp"

namespace faas::inline v0 {
namespace {

namespace json = boost::json;

// Where a complaint points to.
struct Place {
  std::string_view text, origin;

  Error error(std::string_view key, std::string_view what) const {
    auto const line = control::line_of_key(text, key);
    return {Errc::invalid_argument, fmt::format("{}:{}: {}", origin, line, what), "", "config"};
  }
};

using Set = std::function<Result<void>(DaemonConfig&, json::value const&, Place const&,
                                       std::string_view key)>;

Set text(std::string DaemonConfig::*member) {
  return [=](DaemonConfig& c, json::value const& v, Place const& at,
             std::string_view key) -> Result<void> {
    if (!v.is_string()) return at.error(key, fmt::format("'{}' must be a string", key));
    c.*member = std::string(v.get_string());
    return {};
  };
}

Set address(std::string DaemonConfig::*member) {
  return [=](DaemonConfig& c, json::value const& v, Place const& at,
             std::string_view key) -> Result<void> {
    if (auto r = text(member)(c, v, at, key); !r) return r;
    auto const parsed = parse_listen(c.*member);
    if (!parsed) return at.error(key, fmt::format("'{}': {}", key, parsed.error().message));
    return {};
  };
}

Set flag(bool DaemonConfig::*member) {
  return [=](DaemonConfig& c, json::value const& v, Place const& at,
             std::string_view key) -> Result<void> {
    if (!v.is_bool()) return at.error(key, fmt::format("'{}' must be true or false", key));
    c.*member = v.get_bool();
    return {};
  };
}

Set texts(std::vector<std::string> DaemonConfig::*member) {
  return [=](DaemonConfig& c, json::value const& v, Place const& at,
             std::string_view key) -> Result<void> {
    auto const* list = v.if_array();
    bool const all = list != nullptr &&
                     std::ranges::all_of(*list, [](json::value const& e) { return e.is_string(); });
    if (!all) return at.error(key, fmt::format("'{}' must be a list of strings", key));
    (c.*member).clear();
    for (auto const& element : *list) (c.*member).emplace_back(element.get_string());
    return {};
  };
}

template <class Number>
Set number(Number DaemonConfig::*member, std::uint64_t low, std::uint64_t high) {
  return [=](DaemonConfig& c, json::value const& v, Place const& at,
             std::string_view key) -> Result<void> {
    boost::system::error_code error;
    auto const value =
        v.is_number() && !v.is_double() ? v.to_number<std::uint64_t>(error) : high + 1;
    if (error || !v.is_number() || v.is_double() || value < low || value > high) {
      return at.error(key,
                      fmt::format("'{}' must be a whole number from {} to {}", key, low, high));
    }
    c.*member = static_cast<Number>(value);
    return {};
  };
}

std::vector<std::pair<std::string_view, Set>> keys() {
  using C = DaemonConfig;
  constexpr std::uint64_t kMany = std::numeric_limits<std::uint32_t>::max();
  return {
      {"listen", address(&C::listen)},
      {"state", text(&C::state)},
      {"allow_degraded", flag(&C::allow_degraded)},
      {"max_instances", number(&C::max_instances, 1, kMany)},
      {"memory", number(&C::memory, 0, 1ULL << 40)},
      {"queue", number(&C::queue, 0, kMany)},
      {"account_concurrency", number(&C::account_concurrency, 0, kMany)},
      {"caller_rate", number(&C::caller_rate, 0, kMany)},
      {"caller_burst", number(&C::caller_burst, 0, kMany)},
      {"scaling_burst", number(&C::scaling_burst, 1, kMany)},
      {"scaling_rate", number(&C::scaling_rate, 0, kMany)},
      {"cpus", number(&C::cpus, 0, kMany)},
      {"pids", number(&C::pids, 0, kMany)},
      {"fds", number(&C::fds, 0, kMany)},
      {"idle_expiry", number(&C::idle_expiry, 0, kMany)},
      {"drain_timeout", number(&C::drain_timeout, 0, kMany)},
      {"threads", number(&C::threads, 1, 64)},
      {"max_connections", number(&C::max_connections, 1, kMany)},
      {"log_size", number(&C::log_size, 1, 1 << 20)},
      {"secrets_key_file", text(&C::secrets_key_file)},
      {"runtimes", text(&C::runtimes)},
      {"region", text(&C::region)},
      {"cgroup_root", text(&C::cgroup_root)},
      {"uid_base", number(&C::uid_base, 1, kMany)},
      {"uid_count", number(&C::uid_count, 1, kMany)},
      {"networks", number(&C::networks, 0, 256)},
      {"shells", number(&C::shells, 0, 64)},
      {"access", text(&C::access)},
      {"require_sign_in", flag(&C::require_sign_in)},
      {"host", texts(&C::host)},
      {"socket", text(&C::socket)},
      {"tls_certificate", text(&C::tls_certificate)},
      {"tls_key", text(&C::tls_key)},
      {"tls_client_ca", text(&C::tls_client_ca)},
      {"insecure_http", flag(&C::insecure_http)},
  };
}

std::string key_list() {
  std::string out;
  for (auto const& [key, set] : keys()) out += (out.empty() ? "" : ", ") + std::string(key);
  return out;
}

}  // namespace

Result<DaemonConfig> read_config(std::string_view text, std::string_view origin,
                                 DaemonConfig config) {
  Place const at{text, origin};
  auto parsed = control::parse_json(text);
  if (!parsed)
    return Error{Errc::invalid_argument, fmt::format("{}:{}", origin, parsed.error().message), "",
                 "config"};
  if (!parsed->is_object()) {
    return Error{Errc::invalid_argument,
                 fmt::format("{}:1: the file must hold one JSON object", origin), "", "config"};
  }
  auto const table = keys();
  for (auto const& [name, value] : parsed->get_object()) {
    std::string_view const key(name.data(), name.size());
    auto const known = std::ranges::find(table, key, [](auto const& entry) { return entry.first; });
    if (known == table.end()) {
      return at.error(key, fmt::format("unknown key '{}'; the keys are: {}", key, key_list()));
    }
    if (auto r = known->second(config, value, at, key); !r) return r.error();
  }
  if (auto const repeated = control::repeated_key(text); !repeated.empty()) {
    return at.error(repeated, fmt::format("the key '{}' is there twice", repeated));
  }
  return config;
}

Result<DaemonConfig> read_config_file(std::string const& path, DaemonConfig base) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  bool const empty = file && file.peek() == std::ifstream::traits_type::eof();
  if (!file.is_open() || file.bad() || !(empty || text << file.rdbuf())) {
    auto const code = errno == ENOENT ? Errc::not_found : errno == EACCES ? Errc::denied : Errc::io;
    return Error{
        code,
        fmt::format("The configuration file {} cannot be read: {}", path, std::strerror(errno)), "",
        "config"};
  }
  return read_config(text.str(), path, std::move(base));
}

Result<HostPort> parse_listen(std::string_view text) {
  auto const colon = text.rfind(':');
  unsigned short port = 0;
  auto const digits = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  auto host = text.substr(0, std::min(colon, text.size()));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() ||
      host.empty()) {
    return Error{
        Errc::invalid_argument,
        fmt::format("'{}' is not an address to listen on; write HOST:PORT, e.g. 127.0.0.1:9000",
                    text),
        "", "usage"};
  }
  return HostPort{std::string(host), port};
}

}  // namespace faas::inline v0
