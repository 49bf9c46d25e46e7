#include "http/head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kUsualHeaders = 8;
constexpr std::string_view kBlank = " \t";

Error refused(std::string message) {
  return {Errc::invalid_argument, std::move(message), "", "http"};
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

std::string_view trim(std::string_view text) {
  auto const first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Takes one line off the front; it must end in CRLF and hold neither elsewhere.
Result<std::string_view> take_line(std::string_view& rest) {
  auto const end = rest.find_first_of(std::string_view("\r\n\0", 3));
  if (end == std::string_view::npos || rest.substr(end, 2) != "\r\n") {
    return refused("a line of the request head does not end in CRLF");
  }
  auto const line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

Result<bool> request_line(std::string_view line, Head& head) {
  auto const first = line.find(' ');
  auto const last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refused("malformed request line");
  auto const target = line.substr(first + 1, last - first - 1);
  auto const version = line.substr(last + 1);
  if (!is_token(line.substr(0, first))) return refused("malformed method");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return refused("only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  if (!target.starts_with('/') ||
      std::ranges::any_of(target, [](char c) { return c <= 0x20 || c >= 0x7f; })) {
    return refused("the request target must be a path");
  }
  head.method = line.substr(0, first);
  head.target = target;
  return version == "HTTP/1.1";
}

Result<void> header_line(std::string_view line, Head& head) {
  if (kBlank.find(line.front()) != std::string_view::npos) {
    return refused("a folded header line (obsolete) is not accepted");
  }
  auto const colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refused("malformed header line");
  }
  auto const value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) {
    return refused(fmt::format("the header {} holds a control character", line.substr(0, colon)));
  }
  if (head.headers.size() == kHeaderCount) {
    return Error{Errc::too_large, fmt::format("more than {} headers", kHeaderCount), "", "http"};
  }
  head.headers.push_back({line.substr(0, colon), value});
  return {};
}

Result<void> content_length(std::string_view value, Head& head) {
  std::uint64_t length = 0;
  auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (value.empty() || error != std::errc{} || end != value.data() + value.size()) {
    return refused("Content-Length is not one decimal number");
  }
  if (head.content_length) return refused("more than one Content-Length");
  head.content_length = length;
  return {};
}

void connection_options(std::string_view list, Head& head) {
  while (!list.empty()) {
    auto const comma = std::min(list.find(','), list.size());
    auto const option = trim(list.substr(0, comma));
    if (same_without_case(option, "close")) head.keep_alive = false;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

Result<void> framing_header(HeaderLine const& header, bool http11, Head& head, int& hosts) {
  if (same_without_case(header.name, "Content-Length")) return content_length(header.value, head);
  if (same_without_case(header.name, "Transfer-Encoding")) {
    if (head.chunked) return refused("more than one Transfer-Encoding");
    if (!same_without_case(header.value, "chunked")) {
      return refused("the only Transfer-Encoding accepted is chunked");
    }
    if (!http11) return refused("Transfer-Encoding in HTTP/1.0");
    head.chunked = true;
  } else if (same_without_case(header.name, "Host")) {
    if (++hosts > 1) return refused("more than one Host");
    if (header.value.empty()) return refused("the Host header is empty");
  } else if (same_without_case(header.name, "Expect")) {
    if (!same_without_case(header.value, "100-continue")) {
      return refused("the only expectation accepted is 100-continue");
    }
    head.expects_continue = http11;
  } else if (same_without_case(header.name, "Connection")) {
    connection_options(header.value, head);
  }
  return {};
}

// What decides where the body ends and who is asked must be said once and in one way.
Result<void> framing(bool http11, Head& head) {
  int hosts = 0;
  head.keep_alive = http11 || same_without_case(head.header("Connection"), "keep-alive");
  for (auto const& header : head.headers) {
    if (auto r = framing_header(header, http11, head, hosts); !r) return r;
  }
  if (hosts == 0) return refused("the Host header is missing");
  if (head.chunked && head.content_length) {
    return refused("Transfer-Encoding beside Content-Length");
  }
  return {};
}

}  // namespace

std::optional<std::size_t> head_length(std::string_view bytes, std::size_t& scanned) {
  for (auto i = scanned; i < bytes.size(); ++i) {
    if (bytes[i] != '\n') continue;
    bool const bare = i == 0 || bytes[i - 1] != '\r';
    bool const blank = i == 1 || (i >= 3 && bytes[i - 2] == '\n' && bytes[i - 3] == '\r');
    if (bare || blank) return i + 1;
  }
  scanned = bytes.size();
  return std::nullopt;
}

Result<Head> parse_head(std::string_view rest) {
  Head head;
  head.headers.reserve(kUsualHeaders);
  auto line = take_line(rest);
  if (!line) return line.error();
  auto const http11 = request_line(*line, head);
  if (!http11) return http11.error();
  for (;;) {
    line = take_line(rest);
    if (!line) return line.error();
    if (line->empty()) break;
    if (auto r = header_line(*line, head); !r) return r.error();
  }
  if (auto r = framing(*http11, head); !r) return r.error();
  return head;
}

}  // namespace faas::inline v0::http
