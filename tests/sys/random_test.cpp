#include "sys/random.hpp"

#include <doctest/doctest.h>
#include <sys/time.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <vector>

using namespace faas;

TEST_CASE("every byte asked for is filled, however many") {
  // A run of 32 zero bytes has a chance of 1 in 2^256.
  for (std::size_t size : {32u, 257u, 1u << 20}) {
    CAPTURE(size);
    std::vector<std::byte> bytes(size);
    sys::random_bytes(bytes);
    CHECK(std::search_n(bytes.begin(), bytes.end(), 32, std::byte{0}) == bytes.end());
  }
  sys::random_bytes({});
}

TEST_CASE("a signal meanwhile leaves no byte unfilled") {
  auto const before = std::signal(SIGALRM, [](int) {});
  itimerval const often{{0, 500}, {0, 500}}, never{};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  std::vector<std::byte> bytes(32u << 20);
  sys::random_bytes(bytes);
  ::setitimer(ITIMER_REAL, &never, nullptr);
  std::signal(SIGALRM, before);
  CHECK(std::search_n(bytes.begin(), bytes.end(), 32, std::byte{0}) == bytes.end());
}

TEST_CASE("bytes beside those asked for are not touched") {
  std::vector<std::byte> bytes(64);
  sys::random_bytes(std::span(bytes).subspan(16, 32));
  CHECK(std::all_of(bytes.begin(), bytes.begin() + 16, [](auto b) { return b == std::byte{0}; }));
  CHECK(std::all_of(bytes.end() - 16, bytes.end(), [](auto b) { return b == std::byte{0}; }));
}

TEST_CASE("a uuid is one of version 4, and never the same twice") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    auto const uuid = sys::random_uuid();
    REQUIRE(uuid.size() == 36);
    for (auto dash : {8u, 13u, 18u, 23u}) REQUIRE(uuid[dash] == '-');
    REQUIRE(std::count(uuid.begin(), uuid.end(), '-') == 4);
    REQUIRE(uuid.find_first_not_of("0123456789abcdef-") == std::string::npos);
    REQUIRE(uuid[14] == '4');
    REQUIRE(std::string_view("89ab").find(uuid[19]) != std::string_view::npos);
    CHECK(seen.insert(uuid).second);
  }
}
