#include "fetch/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace faas::inline v0::fetch {
namespace {

constexpr std::size_t kSocketPath = 107;

Error bad(std::string_view text, std::string_view why) {
  return {Errc::invalid_argument,
          fmt::format("'{}' is not a URL of a server: {}. Write it as http://127.0.0.1:9000", text,
                      why),
          "", "url"};
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value >= 1 && value <= 65'535;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  auto rest = text;
  if (std::ranges::any_of(text, [](char c) { return c <= 0x20 || c == 0x7f; })) {
    return bad(text, "it holds a space or a control character");
  }
  if (rest.starts_with("unix:")) {
    rest.remove_prefix(5);
    if (!rest.starts_with('/')) return bad(text, "unix: is followed by an absolute path");
    if (rest.size() > kSocketPath) return bad(text, "the kernel's limit of its path is 107 bytes");
    return Url{"localhost", "80", "/", std::string(rest)};
  }
  if (auto const scheme = rest.find("://"); scheme != std::string_view::npos) {
    if (rest.substr(0, scheme) != "http") {
      return Error{Errc::unsupported, fmt::format("'{}': only http:// and unix: are spoken", text),
                   "", "url"};
    }
    rest.remove_prefix(scheme + 3);
  }
  Url url;
  auto const slash = std::min(rest.find_first_of("/?#"), rest.size());
  if (slash < rest.size()) {
    if (rest[slash] != '/') return bad(text, "a query needs a path");
    url.target = rest.substr(slash, rest.find('#') - slash);
  }
  auto host = rest.substr(0, slash);
  if (host.find('@') != std::string_view::npos) return bad(text, "it names a user");
  url.port = "80";
  auto const colon = host.rfind(':');
  auto const bracket = host.rfind(']');
  bool const v6 = host.starts_with('[');
  if (v6 && bracket == std::string_view::npos) return bad(text, "the bracket is not closed");
  if (colon != std::string_view::npos && (!v6 || colon > bracket)) {
    url.port = host.substr(colon + 1);
    host = host.substr(0, colon);
    if (!is_port(url.port)) return bad(text, "the port is not 1 to 65535");
  }
  if (v6 && bracket + 1 != host.size()) return bad(text, "something follows the bracket");
  if (!v6 && host.find(':') != std::string_view::npos) {
    return bad(text, "an IPv6 address stands in brackets");
  }
  url.host = v6 ? host.substr(1, bracket - 1) : host;
  if (url.host.empty()) return bad(text, "the host is missing");
  return url;
}

std::string authority(Url const& url) {
  bool const v6 = url.host.find(':') != std::string::npos;
  auto const host = v6 ? "[" + url.host + "]" : url.host;
  return url.port == "80" ? host : host + ":" + url.port;
}

std::string shown(Url const& url) {
  return url.socket.empty() ? "http://" + authority(url) : "unix:" + url.socket;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool const plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace faas::inline v0::fetch
