#include <algorithm>
#include <charconv>

#include "http/head.hpp"

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kUsualSegments = 4;
constexpr std::size_t kTargetLimit = 8 * 1024;

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      unsigned char byte = 0;
      if (text.size() - i < 3) return std::nullopt;
      auto const [end, error] = std::from_chars(&text[i + 1], &text[i + 1] + 2, byte, 16);
      if (error != std::errc{} || end != &text[i + 1] + 2) return std::nullopt;
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Error bad_escape() {
  return {Errc::invalid_argument, "the request target has a malformed percent escape", "", "http"};
}

Result<void> add_parameter(std::string_view text, Target& target) {
  auto const equals = std::min(text.find('='), text.size());
  auto key = percent_decoded(text.substr(0, equals), true);
  auto value = percent_decoded(text.substr(std::min(equals + 1, text.size())), true);
  if (!key || !value) return bad_escape();
  if (!key->empty()) target.query.emplace_back(std::move(*key), std::move(*value));
  return {};
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool loopback_v4(std::string_view host) {
  if (!host.starts_with("127.")) return false;
  int dots = 0;
  for (char c : host) {
    if (c == '.') {
      ++dots;
    } else if (c < '0' || c > '9') {
      return false;  // "127.evil.example" is a name
    }
  }
  return dots == 3;
}

// Without its port and its final dot; nothing: it is no host.
std::optional<std::string_view> host_name(std::string_view host) {
  auto const end =
      host.starts_with('[') ? host.find(']') + 1 : std::min(host.find(':'), host.size());
  auto const port = host.substr(end);
  if (end == 0 || (!port.empty() && (port.front() != ':' || !all_digits(port.substr(1)))))
    return std::nullopt;
  host = host.substr(0, end);
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool loopback_name(std::string_view host) {
  constexpr std::string_view kName = "localhost";
  if (host == "[::1]" || loopback_v4(host)) return true;
  if (host.size() < kName.size()) return false;
  auto const tail = host.substr(host.size() - kName.size());
  auto const before = host.substr(0, host.size() - kName.size());
  return same_without_case(tail, kName) && (before.empty() || before.ends_with('.'));
}

bool is_known(std::string_view host, Names const& more) {
  auto const name = host_name(host);
  if (!name) return false;
  return loopback_name(*name) || std::ranges::any_of(more, [&](std::string const& one) {
           return same_without_case(one, *name);
         });
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  if (text.size() > kTargetLimit) {
    return Error{Errc::too_large, "the request target is longer than 8192 bytes", "", "http"};
  }
  Target target;
  target.segments.reserve(kUsualSegments);
  auto const question = std::min(text.find('?'), text.size());
  auto path = text.substr(0, question);
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/' before each segment
    auto const end = std::min(path.find('/'), path.size());
    auto segment = percent_decoded(path.substr(0, end), false);
    if (!segment) return bad_escape();
    target.segments.push_back(std::move(*segment));
    path.remove_prefix(end);
  }
  auto query = text.substr(std::min(question + 1, text.size()));
  while (!query.empty()) {
    auto const end = std::min(query.find('&'), query.size());
    if (auto r = add_parameter(query.substr(0, end), target); !r) return r.error();
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return target;
}

bool known_host(std::string_view host, Names const& more) {
  return is_known(host, more) || std::ranges::find(more, "*") != more.end();
}

bool known_origin(std::string_view origin, Names const& more) {
  for (std::string_view const scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return is_known(origin.substr(scheme.size()), more);
  }
  return false;
}

}  // namespace faas::inline v0::http
