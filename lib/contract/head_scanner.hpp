// Strict scanner of HTTP/1.1 request heads (RFC 9112), without sockets. What two parsers could read
// in two ways is refused, so that nothing behind us can disagree about where a request ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace faas::inline v0::contract {

struct HeaderField {
  std::string_view name;  // a token, as sent
  std::string_view
      value;  // without the white space around it; HTAB, SP, visible and bytes above 0x7f only
};

enum class Framing : std::uint8_t { none, content_length, chunked };

// One request's head. Views point into the buffer given to the scanner.
struct RequestHead {
  std::string_view method;
  std::string_view target;  // origin-form, absolute-form or "*"; visible ASCII, never decoded
  int minor_version = 1;    // HTTP/1.minor: 0 or 1
  bool keep_alive = true;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;  // with Framing::content_length only
  std::span<HeaderField const> fields;

  // Value of the first field of that name, compared without case.
  std::optional<std::string_view> find(std::string_view name) const;
};

struct HeadLimits {
  std::size_t head = 65'536;   // bytes of the whole head, with its blank line
  std::size_t target = 8'192;  // bytes of the request line
  std::size_t fields = 100;
};

// Reads one head. Give it the bytes from the start of the request, again and longer each time while
// it answers need_more: every byte is searched once. The buffer may move between calls.
class HeadScanner {
 public:
  enum class Status : std::uint8_t { need_more, complete, refused };

  explicit HeadScanner(HeadLimits limits = {});

  Status scan(std::string_view buffer);
  // After complete: what was read and how many bytes it took. Valid while the buffer is, until
  // reset.
  RequestHead const& head() const { return head_; }
  std::size_t size() const { return line_start_; }
  // After refused: 400, 414, 431, 501 or 505, and why. The connection cannot be used any further.
  int status() const { return status_; }
  std::string_view reason() const { return reason_; }
  // Ready for the next request.
  void reset();

 private:
  struct Framers;

  Status refuse(int status, std::string_view reason);
  Status end_line(std::string_view buffer, std::size_t newline);
  Status parse(std::string_view head);
  Status parse_request_line(std::string_view line);
  Status parse_field(std::string_view line);
  Status judge_framing(Framers const&);

  HeadLimits limits_;
  RequestHead head_;
  std::vector<HeaderField> fields_;
  std::size_t line_start_ = 0;  // of the line that is being searched for its end
  std::size_t searched_ = 0;    // bytes of the buffer already searched
  std::size_t lines_ = 0;
  int status_ = 0;
  std::string_view reason_;  // a literal
};

}  // namespace faas::inline v0::contract
