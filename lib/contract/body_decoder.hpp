// Decodes one HTTP/1.1 message body, framed by Content-Length or chunked with trailers (RFC
// 9112 7.1), at any split. Strict: chunk sizes are hexadecimal digits only, chunk extensions are
// refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/head_scanner.hpp"

namespace faas::inline v0::contract {

class BodyDecoder {
 public:
  enum class Status : std::uint8_t {
    need_more,  // the input is used up
    data,       // a piece of the body
    complete,   // the body has ended; what is left of the input is the next request's
    refused,    // malformed: see reason(); the connection cannot be used any further
  };
  struct Step {
    Status status;
    std::string_view data;  // of the input, with Status::data only; never empty
  };
  using Trailer = std::pair<std::string, std::string>;

  explicit BodyDecoder(std::size_t trailer_limit = 131'072) : trailer_limit_(trailer_limit) {}

  // A new body begins. Framing::none is an empty one: complete at once.
  void start(Framing framing, std::uint64_t content_length);
  // Takes what it can from the front of `input` and shortens it by that. Call until need_more or
  // complete.
  Step next(std::string_view& input);

  // Of the last body. Names compare without case. Those that would change how a message is framed,
  // routed or authenticated are refused, as RFC 9110 6.5.1 asks.
  std::string_view trailer(std::string_view name) const;
  std::vector<Trailer> const& trailers() const { return trailers_; }
  std::string_view reason() const { return reason_; }

 private:
  enum class State : std::uint8_t {
    fixed,
    size,
    size_lf,
    chunk,
    chunk_cr,
    chunk_lf,
    trailer,
    trailer_lf,
    complete,
    refused
  };

  Step refuse(std::string_view reason);
  Step take_data(std::string_view& input, State after);
  Step take_framing(std::string_view& input);
  Step take_size(char c);
  Step take_trailer(std::string_view& input);
  Step end_trailer();

  std::size_t trailer_limit_;
  State state_ = State::complete;
  std::uint64_t left_ = 0;  // bytes of the body or of the chunk still to come
  int digits_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::string line_;  // the trailer line being read
  std::vector<Trailer> trailers_;
  std::string_view reason_;  // a literal
};

}  // namespace faas::inline v0::contract
