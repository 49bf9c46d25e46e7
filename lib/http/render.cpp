#include "http/render.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace faas::inline v0::http {
namespace {

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Other";
  }
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  std::ranges::copy_if(value, std::back_inserter(out), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
  out += "\r\n";
}

void append_framing(std::string& out, Response const& response) {
  if (response.status == 204) return;
  if (!response.chunks) {
    append_header(out, "Content-Length", std::to_string(response.body.size()));
  } else if (response.length) {
    append_header(out, "Content-Length", std::to_string(*response.length));
  } else {
    append_header(out, "Transfer-Encoding", "chunked");
  }
}

}  // namespace

std::string render_head(Response const& response, std::string_view request_id,
                        Connection connection, std::time_t now) {
  auto out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  for (auto const& h : response.headers) append_header(out, h.name, h.value);
  append_header(out, "x-amzn-RequestId", request_id);
  append_header(out, "Date", fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now)));
  append_framing(out, response);
  if (connection == Connection::close) append_header(out, "Connection", "close");
  out += "\r\n";
  return out;
}

std::string chunk_head(std::size_t size) { return fmt::format("{:x}\r\n", size); }

}  // namespace faas::inline v0::http
