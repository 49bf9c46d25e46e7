#include "http/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace faas::inline v0::http {
namespace {

constexpr std::size_t kUsualSize = 480;

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

bool may_stand_in_a_line(char c) {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  if (std::ranges::all_of(value, may_stand_in_a_line)) {
    out += value;
  } else {
    std::ranges::copy_if(value, std::back_inserter(out), may_stand_in_a_line);
  }
  out += "\r\n";
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  out.append(digits.data(), std::to_chars(digits.begin(), digits.end(), number).ptr);
}

void append_two_digits(std::string& out, unsigned number) {
  out += static_cast<char>('0' + number / 10 % 10);
  out += static_cast<char>('0' + number % 10);
}

void append_length(std::string& out, std::uint64_t length) {
  out += "Content-Length: ";
  append_number(out, length);
  out += "\r\n";
}

// By arithmetic alone: gmtime takes a lock of the whole process.
void append_date(std::string& out, std::time_t now) {
  constexpr std::array kDays{"Sun, ", "Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, "};
  constexpr std::array kMonths{" Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ",
                               " Jul ", " Aug ", " Sep ", " Oct ", " Nov ", " Dec "};
  using namespace std::chrono;
  sys_seconds const time{seconds(now)};
  auto const day = floor<days>(time);
  year_month_day const date{day};
  hh_mm_ss const clock{time - day};
  out += "Date: ";
  out += kDays[weekday{day}.c_encoding()];
  append_two_digits(out, unsigned{date.day()});
  out += kMonths[unsigned{date.month()} - 1];
  append_number(out, static_cast<std::uint64_t>(int{date.year()}));
  out += ' ';
  append_two_digits(out, static_cast<unsigned>(clock.hours().count()));
  out += ':';
  append_two_digits(out, static_cast<unsigned>(clock.minutes().count()));
  out += ':';
  append_two_digits(out, static_cast<unsigned>(clock.seconds().count()));
  out += " GMT\r\n";
}

void append_framing(std::string& out, Response const& response) {
  if (response.status == 204) return;
  if (!response.chunks) {
    append_length(out, response.body.size());
  } else if (response.length) {
    append_length(out, *response.length);
  } else {
    append_header(out, "Transfer-Encoding", "chunked");
  }
}

}  // namespace

std::string render_head(Response const& response, std::string_view request_id,
                        Connection connection, std::time_t now) {
  std::string out;
  out.reserve(kUsualSize);
  out += "HTTP/1.1 ";
  append_number(out, response.status);
  out.append(" ").append(reason_phrase(response.status)).append("\r\n");
  for (auto const& h : response.headers) append_header(out, h.name, h.value);
  append_header(out, "x-amzn-RequestId", request_id);
  append_date(out, now);
  append_framing(out, response);
  if (connection == Connection::close) append_header(out, "Connection", "close");
  out += "\r\n";
  return out;
}

std::string chunk_head(std::size_t size) { return fmt::format("{:x}\r\n", size); }

}  // namespace faas::inline v0::http
