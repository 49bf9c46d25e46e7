#include "contract/body_decoder.hpp"

#include <algorithm>
#include <array>

#include "contract/http_text.hpp"

namespace faas::inline v0::contract {
namespace {

constexpr int kMaxSizeDigits = 15;  // 2^60: no overflow of 64 bits, and no flood of leading zeros
constexpr std::size_t kMaxTrailers = 64;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_forbidden_trailer(std::string_view name) {
  constexpr std::array<std::string_view, 16> kForbidden = {
      "authorization", "connection",        "content-encoding", "content-length",
      "content-range", "content-type",      "cookie",           "expect",
      "host",          "keep-alive",        "set-cookie",       "te",
      "trailer",       "transfer-encoding", "upgrade",          "proxy-authorization"};
  return std::any_of(kForbidden.begin(), kForbidden.end(),
                     [&](auto forbidden) { return equals_ignoring_case(name, forbidden); });
}

}  // namespace

void BodyDecoder::start(Framing framing, std::uint64_t content_length) {
  state_ = framing == Framing::chunked ? State::size : State::fixed;
  left_ = framing == Framing::content_length ? content_length : 0;
  digits_ = 0;
  trailer_bytes_ = 0;
  line_.clear();
  trailers_.clear();
  reason_ = {};
}

BodyDecoder::Step BodyDecoder::refuse(std::string_view reason) {
  state_ = State::refused;
  reason_ = reason;
  return {Status::refused, {}};
}

BodyDecoder::Step BodyDecoder::next(std::string_view& input) {
  for (;;) {
    if (state_ == State::refused) return {Status::refused, {}};
    if (state_ == State::fixed && left_ == 0) state_ = State::complete;
    if (state_ == State::complete) return {Status::complete, {}};
    if (input.empty()) return {Status::need_more, {}};
    if (state_ == State::fixed) return take_data(input, State::complete);
    if (state_ == State::chunk) return take_data(input, State::chunk_cr);
    auto const step = state_ == State::trailer ? take_trailer(input) : take_framing(input);
    if (step.status == Status::refused) return step;
  }
}

BodyDecoder::Step BodyDecoder::take_data(std::string_view& input, State after) {
  auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  auto const data = input.substr(0, size);
  input.remove_prefix(size);
  left_ -= size;
  if (left_ == 0) state_ = after;
  return {Status::data, data};
}

// One character between the pieces of data: a size, or half of a line end.
BodyDecoder::Step BodyDecoder::take_framing(std::string_view& input) {
  char const c = input.front();
  input.remove_prefix(1);
  switch (state_) {
    case State::size: return take_size(c);
    case State::chunk_cr:
      if (c != '\r') return refuse("chunk longer than its size");
      state_ = State::chunk_lf;
      break;
    default:
      if (c != '\n') return refuse("carriage return without line feed");
      if (state_ == State::trailer_lf) return end_trailer();
      state_ = state_ == State::chunk_lf ? State::size : left_ == 0 ? State::trailer : State::chunk;
  }
  return {Status::need_more, {}};
}

BodyDecoder::Step BodyDecoder::take_size(char c) {
  if (c == '\r' && digits_ > 0) {
    digits_ = 0;
    state_ = State::size_lf;
    return {Status::need_more, {}};
  }
  int const digit = hex_digit(c);
  if (digit < 0) return refuse(c == ';' ? "chunk extension" : "malformed chunk size");
  if (++digits_ > kMaxSizeDigits) return refuse("chunk size too long");
  left_ = left_ * 16 + static_cast<unsigned>(digit);
  return {Status::need_more, {}};
}

BodyDecoder::Step BodyDecoder::take_trailer(std::string_view& input) {
  auto const end = std::min(input.find_first_of("\r\n"), input.size());
  trailer_bytes_ += end;
  if (trailer_bytes_ > trailer_limit_) return refuse("trailers too large");
  line_.append(input.substr(0, end));
  input.remove_prefix(end);
  if (input.empty()) return {Status::need_more, {}};
  if (input.front() == '\n') return refuse("line feed without carriage return");
  input.remove_prefix(1);
  state_ = State::trailer_lf;
  return {Status::need_more, {}};
}

BodyDecoder::Step BodyDecoder::end_trailer() {
  trailer_bytes_ += 2;
  state_ = line_.empty() ? State::complete : State::trailer;
  if (line_.empty()) return {Status::need_more, {}};
  auto const field = parse_field_line(line_);
  if (!field) return refuse("malformed trailer");
  if (is_forbidden_trailer(field->name)) return refuse("forbidden trailer");
  if (trailers_.size() == kMaxTrailers) return refuse("too many trailers");
  trailers_.emplace_back(field->name, field->value);
  line_.clear();
  return {Status::need_more, {}};
}

std::string_view BodyDecoder::trailer(std::string_view name) const {
  for (auto const& [key, value] : trailers_)
    if (equals_ignoring_case(key, name)) return value;
  return {};
}

}  // namespace faas::inline v0::contract
