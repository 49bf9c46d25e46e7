#include <doctest/doctest.h>

#include <faas/error.hpp>
#include <set>
#include <string>

using namespace faas;

TEST_CASE("every condition has a name of its own") {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code)
    names.insert(to_string(static_cast<Errc>(code)));
  CHECK(names.size() == static_cast<std::size_t>(Errc::internal) + 1);
  CHECK(to_string(Errc::not_found) == "not_found");
  CHECK(to_string(Errc::too_large) == "too_large");
}

TEST_CASE("value() of a failed result throws its error, whole") {
  Result<int> const result = Error{Errc::throttled, "queue is full", "QueueFull", "queue"};
  try {
    (void)result.value();
    FAIL("nothing was thrown");
  } catch (Exception const& e) {
    CHECK((e.error() == Error{Errc::throttled, "queue is full", "QueueFull", "queue"}));
    CHECK(std::string(e.what()) == "queue is full");
  }
}
