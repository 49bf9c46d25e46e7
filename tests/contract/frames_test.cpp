#include "contract/frames.hpp"

#include <doctest/doctest.h>

#include "contract/native_environment.hpp"

using namespace contract_test;
using contract::decode_frame;
using contract::FrameType;

static_assert(contract::kFrameVersion == FAAS_GUEST_VERSION);
static_assert(contract::kFrameHeader == sizeof(faas_header_));
static_assert(contract::kFrameLimit == FAAS_FRAME_);
static_assert(contract::kChunkFrameLimit == FAAS_CHUNK_);
static_assert(contract::kGuestMetaLimit >= FAAS_TYPE_);

namespace {

std::string problem(std::string_view bytes) {
  auto const frame = decode_frame(bytes);
  return frame ? "" : frame.error().message;
}

std::string with(std::string bytes, std::size_t at, char value) {
  bytes[at] = value;
  return bytes;
}

}  // namespace

TEST_CASE("the frames that guest.h makes are read for what they are") {
  auto const bytes = record(FAAS_RESPONSE_, 7, "text/plain", "hello", FAAS_ASKS_);
  auto const frame = decode_frame(bytes).value();
  CHECK(frame.type == FrameType::response);
  CHECK(frame.call == 7);
  CHECK(frame.asks);
  CHECK_FALSE(frame.in_memfd);
  CHECK(frame.meta == "text/plain");
  CHECK(frame.payload == "hello");

  auto const asking = record(FAAS_READY_, 0);
  CHECK(decode_frame(asking).value().asks);
  auto const head = record(FAAS_HEAD_, 1, "a/b", {}, FAAS_STREAMS_);
  CHECK(decode_frame(head).value().streams);
  auto const large = memfd_record(3, "a/b", 5'000'000);
  CHECK(decode_frame(large).value().in_memfd);
  CHECK(decode_frame(large).value().meta_size == 3);
  CHECK(decode_frame(large).value().payload_size == 5'000'000);
  CHECK(decode_frame(large).value().payload.empty());
}

TEST_CASE("a frame that is not one is refused, and the refusal says what is wrong") {
  auto const good = record(FAAS_RESPONSE_, 1, "a/b", "{}");
  REQUIRE(problem(good).empty());
  CHECK(problem("").find("0 bytes") != std::string::npos);
  CHECK(problem(good.substr(0, 23)).find("23 bytes") != std::string::npos);
  CHECK(problem(with(good, 0, 'f')).find("magic") != std::string::npos);
  CHECK(problem(with(good, 4, 2)).find("version 2") != std::string::npos);
  for (int type = 0; type < 256; ++type) {
    bool const known = type >= FAAS_RESPONSE_ && type <= FAAS_INIT_ERROR_ && type != FAAS_HEAD_ &&
                       type != FAAS_PART_;  // those two may not have both, and `ready` has neither
    CHECK(problem(with(good, 5, static_cast<char>(type))).empty() == known);
  }
  CHECK(problem(good + "x").find("says") != std::string::npos);
  CHECK(problem(good.substr(0, good.size() - 1)).find("says") != std::string::npos);
  CHECK(problem(record(FAAS_PART_, 1)).find("without bytes") != std::string::npos);
  // Sizes whose sum does not fit into 32 bits.
  auto wrapping = good;
  std::uint32_t const size = ~0u;
  wrapping.replace(20, 4, reinterpret_cast<char const*>(&size), 4);
  CHECK(problem(wrapping).find("says") != std::string::npos);
}

TEST_CASE("flags that a frame may not have are refused") {
  struct Allowed {
    int type, flags;
  };
  for (auto const allowed : {Allowed{FAAS_READY_, 0},
                             {FAAS_RESPONSE_, FAAS_IN_MEMFD_ | FAAS_ASKS_},
                             {FAAS_HEAD_, FAAS_STREAMS_},
                             {FAAS_END_, FAAS_ASKS_},
                             {FAAS_ERROR_, FAAS_ASKS_},
                             {FAAS_INIT_ERROR_, 0}}) {
    for (int bit = 1; bit < 0x10000; bit <<= 1) {
      CAPTURE(allowed.type);
      CAPTURE(bit);
      CHECK(problem(record(allowed.type, 1, {}, {}, bit)).empty() == ((bit & allowed.flags) != 0));
    }
  }
}

TEST_CASE("4 KiB are the limit of a frame, 64 KiB of a chunk, 1 KiB of meta") {
  auto const sized = [](int type, std::size_t size) {
    return record(type, 1, {}, std::string(size - contract::kFrameHeader, 'x'));
  };
  CHECK(problem(sized(FAAS_RESPONSE_, 4096)).empty());
  CHECK(problem(sized(FAAS_RESPONSE_, 4097)).find("4097") != std::string::npos);
  CHECK(problem(sized(FAAS_PART_, 65'536)).empty());
  CHECK(problem(sized(FAAS_PART_, 65'537)).find("65537") != std::string::npos);
  CHECK(problem(record(FAAS_ERROR_, 1, std::string(1024, 'x'))).empty());
  CHECK(problem(record(FAAS_ERROR_, 1, std::string(1025, 'x'))).find("1025") != std::string::npos);
}

TEST_CASE("an invoke is what guest.h reads: every string with its size and a NUL") {
  auto given = invocation(3, "[1,2]");
  given.client_context = std::string("a\0b", 3);
  given.trace_id = "Root=1";
  given.content_type = "text/plain";
  std::string bytes = "before";
  CHECK_FALSE(contract::encode_invoke(bytes, given, 9));
  bytes.erase(0, 6);
  faas_header_ head;
  std::memcpy(&head, bytes.data(), sizeof head);
  CHECK(head.type == FAAS_INVOKE_);
  CHECK(head.flags == 0);
  CHECK(head.call == 9);
  CHECK(bytes.size() == sizeof head + head.meta);
  bytes += given.payload;
  faas_event event;
  REQUIRE(faas_event_make_(&event, &head, bytes.data() + sizeof head) == 0);
  CHECK(event.request_id == given.request_id);
  CHECK(event.function_arn == given.function_arn);
  CHECK(std::string(event.client_context, 3) == given.client_context);
  CHECK(event.tenant == std::string());
  CHECK(event.trace_id == std::string("Root=1"));
  CHECK(event.content_type == std::string("text/plain"));
  CHECK(event.deadline_ms == given.deadline_ms);
  CHECK(std::string(event.payload, event.size) == "[1,2]");
}

TEST_CASE("an invoke goes into a memfd as soon as it would be longer than 4 KiB") {
  std::string empty;
  contract::encode_invoke(empty, invocation(1, ""), 1);
  for (bool const over : {false, true}) {
    std::string head;
    auto const room = contract::kFrameLimit - empty.size() + (over ? 1 : 0);
    CHECK(contract::encode_invoke(head, invocation(1, std::string(room, 'x')), 1) == over);
    CHECK(((head[6] & FAAS_IN_MEMFD_) != 0) == over);
  }
}
