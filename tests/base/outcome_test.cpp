#include <doctest/doctest.h>

#include <faas/outcome.hpp>
#include <set>
#include <string>

using namespace faas;
using namespace std::chrono_literals;

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

TEST_CASE("the stages of a start are those that happened, in their order") {
  Timing timing{.queued = 1us, .run = 9us};
  auto all = stages(timing);
  REQUIRE(all.size() == 1);
  CHECK(all.front().name == "queued");
  timing.first_byte = 6us;
  timing.init = 5us;
  timing.exec = 4us;
  timing.jail = 3us;
  timing.code = 2us;
  std::string names;
  Duration sum{};
  for (auto const& stage : stages(timing)) {
    names += std::string(stage.name) + ' ';
    sum += stage.took;
  }
  CHECK(names == "queued code jail exec init first_byte ");
  CHECK(sum == 21us);
}
