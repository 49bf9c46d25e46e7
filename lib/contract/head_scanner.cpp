#include "contract/head_scanner.hpp"

#include <algorithm>
#include <cstring>

#include "contract/http_text.hpp"

namespace faas::inline v0::contract {

// What decides where a request ends and whether the connection goes on.
struct HeadScanner::Framers {
  int hosts = 0, lengths = 0, codings = 0;
  std::string_view host, length, coding;
  bool close = false, keep_alive = false, malformed = false;

  void note(HeaderField const& field);
  void note_connection(std::string_view list);
};

void HeadScanner::Framers::note_connection(std::string_view list) {
  while (!list.empty()) {
    auto const comma = std::min(list.find(','), list.size());
    auto const option = trim_white_space(list.substr(0, comma));
    if (!option.empty() && !is_token(option)) malformed = true;
    if (equals_ignoring_case(option, "close")) close = true;
    if (equals_ignoring_case(option, "keep-alive")) keep_alive = true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

void HeadScanner::Framers::note(HeaderField const& field) {
  switch (field.name.size()) {
    case 4:
      if (equals_ignoring_case(field.name, "host")) ++hosts, host = field.value;
      break;
    case 10:
      if (equals_ignoring_case(field.name, "connection")) note_connection(field.value);
      break;
    case 14:
      if (equals_ignoring_case(field.name, "content-length")) ++lengths, length = field.value;
      break;
    case 17:
      if (equals_ignoring_case(field.name, "transfer-encoding")) ++codings, coding = field.value;
      break;
  }
}

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// uri-host [":" port]; no userinfo and no list.
bool is_host(std::string_view host) {
  constexpr std::string_view kForbidden = "\"#,/<>?@\\^`{|}";
  return !host.empty() && is_visible(host) && host.find_first_of(kForbidden) == host.npos;
}

bool is_target(std::string_view target) {
  if (target.empty() || !is_visible(target) || target.find('#') != target.npos) return false;
  return target.front() == '/' || target == "*" || target.starts_with("http://") ||
         target.starts_with("https://");
}

}  // namespace

std::optional<std::string_view> RequestHead::find(std::string_view name) const {
  for (auto const& field : fields)
    if (equals_ignoring_case(field.name, name)) return field.value;
  return std::nullopt;
}

HeadScanner::HeadScanner(HeadLimits limits) : limits_(limits) { fields_.reserve(16); }

void HeadScanner::reset() {
  head_ = {};
  fields_.clear();
  line_start_ = searched_ = lines_ = 0;
  status_ = 0;
  reason_ = {};
}

HeadScanner::Status HeadScanner::refuse(int status, std::string_view reason) {
  status_ = status;
  reason_ = reason;
  return Status::refused;
}

HeadScanner::Status HeadScanner::scan(std::string_view buffer) {
  if (status_ != 0) return Status::refused;
  auto const end = std::min(buffer.size(), limits_.head);
  while (searched_ < end) {
    auto const* found =
        static_cast<char const*>(std::memchr(buffer.data() + searched_, '\n', end - searched_));
    if (!found) {
      searched_ = end;
      break;
    }
    auto const status = end_line(buffer, static_cast<std::size_t>(found - buffer.data()));
    if (status != Status::need_more) return status;
  }
  if (lines_ == 0 && searched_ > limits_.target) return refuse(414, "request line too long");
  if (searched_ >= limits_.head) return refuse(431, "request head too large");
  return Status::need_more;
}

HeadScanner::Status HeadScanner::end_line(std::string_view buffer, std::size_t newline) {
  auto const line = buffer.substr(line_start_, newline - line_start_);
  if (line.empty() || line.back() != '\r') return refuse(400, "line feed without carriage return");
  line_start_ = searched_ = newline + 1;
  if (line.size() == 1)
    return lines_ == 0 ? refuse(400, "empty line where a request was expected")
                       : parse(buffer.substr(0, line_start_));
  if (lines_ == 0 && line.size() > limits_.target) return refuse(414, "request line too long");
  if (++lines_ > limits_.fields + 1) return refuse(431, "too many header fields");
  return Status::need_more;
}

HeadScanner::Status HeadScanner::parse(std::string_view head) {
  head.remove_suffix(2);
  Framers framers;
  for (bool first = true; !head.empty(); first = false) {
    auto const end = head.find('\n');
    auto const line = head.substr(0, end - 1);
    auto const status = first ? parse_request_line(line) : parse_field(line);
    if (status == Status::refused) return status;
    if (!first) framers.note(fields_.back());
    head.remove_prefix(end + 1);
  }
  head_.fields = fields_;
  return judge_framing(framers);
}

HeadScanner::Status HeadScanner::parse_request_line(std::string_view line) {
  auto const first = line.find(' ');
  auto const last = line.rfind(' ');
  if (first == line.npos || first == last) return refuse(400, "malformed request line");
  head_.method = line.substr(0, first);
  head_.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head_.method)) return refuse(400, "malformed method");
  if (!is_target(head_.target)) return refuse(400, "malformed request target");
  auto const version = line.substr(last + 1);
  if (version == "HTTP/1.1") return Status::complete;
  head_.minor_version = 0;
  if (version == "HTTP/1.0") return Status::complete;
  bool const other = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
                     version[6] == '.' && is_digit(version[7]);
  return other ? refuse(505, "HTTP version is not 1.0 or 1.1")
               : refuse(400, "malformed HTTP version");
}

HeadScanner::Status HeadScanner::parse_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return refuse(400, "folded header field");
  auto const field = parse_field_line(line);
  if (!field) return refuse(400, "malformed header field");
  fields_.push_back(*field);
  return Status::complete;
}

// Every rule here closes a way to have two readers disagree on the end of the body (request
// smuggling).
HeadScanner::Status HeadScanner::judge_framing(Framers const& f) {
  bool const modern = head_.minor_version == 1;
  if (f.hosts > 1) return refuse(400, "more than one Host");
  if (f.hosts == 0 && modern) return refuse(400, "no Host");
  if (f.hosts == 1 && !is_host(f.host)) return refuse(400, "malformed Host");
  if (f.malformed) return refuse(400, "malformed Connection");
  if (f.codings > 0 && f.lengths > 0) return refuse(400, "Transfer-Encoding with Content-Length");
  if (f.codings > 0 && !modern) return refuse(400, "Transfer-Encoding in HTTP/1.0");
  if (f.codings > 1) return refuse(400, "more than one Transfer-Encoding");
  if (f.lengths > 1) return refuse(400, "more than one Content-Length");
  if (f.codings == 1) {
    if (!equals_ignoring_case(f.coding, "chunked"))
      return is_token(f.coding) ? refuse(501, "transfer coding is not chunked")
                                : refuse(400, "malformed Transfer-Encoding");
    head_.framing = Framing::chunked;
  }
  if (f.lengths == 1) {
    if (f.length.empty() || !std::all_of(f.length.begin(), f.length.end(), is_digit))
      return refuse(400, "malformed Content-Length");
    if (f.length.size() > 19) return refuse(413, "Content-Length beyond 19 digits");
    head_.framing = Framing::content_length;
    for (char c : f.length) head_.content_length = head_.content_length * 10 + (c - '0');
  }
  head_.keep_alive = !f.close && (modern || f.keep_alive);
  return Status::complete;
}

}  // namespace faas::inline v0::contract
