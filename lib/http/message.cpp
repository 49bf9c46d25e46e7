#include "http/message.hpp"

#include <algorithm>

namespace faas::inline v0::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

template <class Line>
std::string_view find(std::vector<Line> const& headers, std::string_view name) {
  for (auto const& h : headers) {
    if (same_without_case(h.name, name)) return h.value;
  }
  return {};
}

Response response(unsigned status, std::string body, char const* content_type) {
  Response r;
  r.status = status;
  r.body = std::move(body);
  r.with("Content-Type", content_type);
  return r;
}

}  // namespace

bool same_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view find_header(std::vector<Header> const& headers, std::string_view name) {
  return find(headers, name);
}

std::string_view find_header(std::vector<HeaderLine> const& headers, std::string_view name) {
  return find(headers, name);
}

std::optional<std::string_view> Target::parameter(std::string_view name) const {
  for (auto const& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Response json_response(unsigned status, std::string body) {
  return response(status, std::move(body), "application/json");
}

Response text_response(unsigned status, std::string body) {
  return response(status, std::move(body), "text/plain; charset=utf-8");
}

Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

}  // namespace faas::inline v0::http
