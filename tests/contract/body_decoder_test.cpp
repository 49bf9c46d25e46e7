#include "contract/body_decoder.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace faas::contract;

namespace {

using Status = BodyDecoder::Status;

struct Read {
  std::string body;
  Status status = Status::need_more;
  std::string left;
  bool operator==(Read const&) const = default;
};

// Decodes `input` in pieces of `step` bytes.
Read read(BodyDecoder& decoder, std::string_view input, std::size_t step = 1'000'000) {
  Read result;
  while (result.status == Status::need_more && !input.empty()) {
    auto piece = input.substr(0, step);
    input.remove_prefix(piece.size());
    for (;;) {
      auto const next = decoder.next(piece);
      if (next.status != Status::data) {
        result.status = next.status;
        break;
      }
      REQUIRE_FALSE(next.data.empty());
      result.body.append(next.data);
    }
    if (result.status != Status::need_more) result.left = std::string(piece) + std::string(input);
  }
  return result;
}

Read read_chunked(std::string_view input, std::size_t step = 1'000'000,
                  std::size_t limit = 131'072) {
  BodyDecoder decoder(limit);
  decoder.start(Framing::chunked, 0);
  return read(decoder, input, step);
}

}  // namespace

TEST_CASE("a body of known length ends where it says") {
  BodyDecoder decoder;
  decoder.start(Framing::content_length, 5);
  CHECK(read(decoder, "helloGET /") == Read{"hello", Status::complete, "GET /"});
  decoder.start(Framing::content_length, 5);
  CHECK(read(decoder, "hello!", 1) == Read{"hello", Status::complete, "!"});
  decoder.start(Framing::content_length, 6);
  CHECK(read(decoder, "hello").status == Status::need_more);
}

TEST_CASE("no body is complete at once") {
  BodyDecoder decoder;
  std::string_view none;
  CHECK(decoder.next(none).status == Status::complete);
  decoder.start(Framing::content_length, 0);
  CHECK(decoder.next(none).status == Status::complete);
  decoder.start(Framing::none, 7);
  CHECK(decoder.next(none).status == Status::complete);
}

TEST_CASE("chunks are joined at any split") {
  std::string const text =
      "5\r\nhello\r\n0010\r\n0123456789abcdef\r\nA\r\n..........\r\n0\r\nX-A: 1\r\nx-b:  2 "
      "\r\n\r\nnext";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    BodyDecoder decoder;
    decoder.start(Framing::chunked, 0);
    CHECK(read(decoder, text, step) ==
          Read{"hello0123456789abcdef..........", Status::complete, "next"});
    CHECK(decoder.trailers().size() == 2);
    CHECK(decoder.trailer("x-a") == "1");
    CHECK(decoder.trailer("X-B") == "2");
    CHECK(decoder.trailer("X-C").empty());
  }
}

TEST_CASE("a decoder forgets the last body") {
  BodyDecoder decoder;
  decoder.start(Framing::chunked, 0);
  CHECK(read(decoder, "0\r\nA: 1\r\n\r\n").status == Status::complete);
  decoder.start(Framing::chunked, 0);
  CHECK(read(decoder, "1\r\nx\r\n0\r\n\r\n") == Read{"x", Status::complete, ""});
  CHECK(decoder.trailers().empty());
}

TEST_CASE("malformed chunks are refused at any split") {
  std::string const rows[] = {
      "\r\n",              // no size
      "g\r\n",             // no digit
      "0x5\r\nhello\r\n",  // prefix
      "-5\r\n",
      "+5\r\n",
      " 5\r\n",
      "5 \r\nhello\r\n",
      "5\t\r\n",
      "5;a=b\r\nhello\r\n",  // chunk extensions: a place to hide line ends in
      "5;\n\r\nhello\r\n",
      "5\nhello\r\n",  // bare line feed
      "5\r\rhello\r\n",
      "5\r\nhelloX\r\n",  // longer than its size
      "5\r\nhello\n0\r\n\r\n",
      "5\r\nhello\rX",
      "5\r\nhel\r\n0\r\n\r\nXX",  // shorter than its size
      "1000000000000000\r\n",     // 16 digits
      "ffffffffffffffff\r\n",     // would overflow
      "0000000000000005\r\nhello\r\n",
      "0\r\nA: 1\nB: 2\r\n\r\n",
      "0\r\nA : 1\r\n\r\n",
      "0\r\nA: 1\r\n folded\r\n\r\n",
      "0\r\nno colon\r\n\r\n",
      "0\r\nA: \x01\r\n\r\n",
      "0\r\nA: 1\rB\r\n\r\n",
      "0\r\nContent-Length: 5\r\n\r\n",
      "0\r\ncontent-length: 5\r\n\r\n",
      "0\r\nTransfer-Encoding: chunked\r\n\r\n",
      "0\r\nHost: h\r\n\r\n",
      "0\r\nAuthorization: x\r\n\r\n",
      "0\r\nContent-Type: x\r\n\r\n",
  };
  for (auto const& row : rows) {
    CAPTURE(row);
    for (std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{1000}}) {
      BodyDecoder decoder;
      decoder.start(Framing::chunked, 0);
      CHECK(read(decoder, row, step).status == Status::refused);
      CHECK_FALSE(decoder.reason().empty());
      std::string_view more = "0\r\n\r\n";
      CHECK(decoder.next(more).status == Status::refused);  // and it stays so
    }
  }
}

TEST_CASE("trailers are bounded, the same at every split") {
  auto const trailers = [](std::size_t n) { return "0\r\nA: " + std::string(n, 'x') + "\r\n\r\n"; };
  for (std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    CHECK(read_chunked(trailers(91), step, 100).status == Status::complete);
    CHECK(read_chunked(trailers(98), step, 100).status == Status::refused);
  }
  std::string many = "0\r\n";
  for (int i = 0; i < 64; ++i) many += "A: 1\r\n";
  CHECK(read_chunked(many + "\r\n").status == Status::complete);
  CHECK(read_chunked(many + "A: 1\r\n\r\n").status == Status::refused);
}

TEST_CASE("an endless body is handed on, not kept") {
  BodyDecoder decoder;
  decoder.start(Framing::content_length, 1'000'000'000'000'000'000);
  std::string const block(65'536, 'x');
  for (int i = 0; i < 100; ++i) {
    std::string_view piece = block;
    auto const step = decoder.next(piece);
    CHECK(step.data.data() == block.data());  // zero-copy
    CHECK(step.data.size() == block.size());
    CHECK(decoder.next(piece).status == Status::need_more);
  }
}
