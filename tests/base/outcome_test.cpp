#include <doctest/doctest.h>

#include <faas/outcome.hpp>
#include <set>

using namespace faas;

TEST_CASE("every status and start level has a name of its own") {
  std::set<std::string_view> names;
  for (int status = 0; status <= static_cast<int>(Status::abandoned); ++status)
    names.insert(to_string(static_cast<Status>(status)));
  for (int level = 0; level <= static_cast<int>(StartLevel::first); ++level)
    names.insert(to_string(static_cast<StartLevel>(level)));
  CHECK(names.size() == 8 + 5);
  CHECK(to_string(Status::timed_out) == "timed_out");
  CHECK(to_string(StartLevel::warm) == "warm");
}

TEST_CASE("only an answer of the function is ok") {
  Outcome outcome;
  CHECK(outcome.ok());
  for (int status = 1; status <= static_cast<int>(Status::abandoned); ++status) {
    outcome.status = static_cast<Status>(status);
    CHECK_FALSE(outcome.ok());
  }
}
