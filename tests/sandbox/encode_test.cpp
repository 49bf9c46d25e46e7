#include <doctest/doctest.h>

#include <cstring>

#include "sandbox/plan.hpp"

using namespace faas;
using namespace faas::sandbox;

TEST_CASE("a plan becomes steps and an arena, strings terminated and structures aligned") {
  Plan plan;
  plan.steps.push_back({.name = "one",
                        .where = wire::Where::program,
                        .call = {7, "seven"},
                        .args = {Number{5, "FIVE"}, std::string("text"), Blob{"12345678", "{}"},
                                 List{{"a", "bc"}}, SlotArg{4, "listener"}},
                        .into = SlotArg{5, "temp"}});
  auto const encoded = encode(plan);
  REQUIRE(encoded.steps == 1);
  REQUIRE(encoded.bytes.size() == sizeof(wire::Step) + encoded.arena);
  wire::Step step;
  std::memcpy(&step, encoded.bytes.data(), sizeof step);
  char const* const arena = encoded.bytes.data() + sizeof step;
  CHECK(std::string(step.name) == "one");
  CHECK(step.call == 7);
  CHECK(step.where == wire::Where::program);
  CHECK(step.into == 5);
  CHECK(step.kinds[0] == wire::ArgKind::number);
  CHECK(step.args[0] == 5);
  CHECK(std::string(arena + step.args[1]) == "text");
  CHECK(step.args[2] % 8 == 0);
  CHECK(std::string(arena + step.args[2], 8) == "12345678");
  CHECK(step.kinds[3] == wire::ArgKind::list);
  std::uint64_t list[3];
  std::memcpy(list, arena + step.args[3], sizeof list);
  CHECK(std::string(arena + list[0]) == "a");
  CHECK(std::string(arena + list[1]) == "bc");
  CHECK(list[2] == ~0ull);
  CHECK(step.kinds[4] == wire::ArgKind::slot);
  CHECK(to_text(plan).find("program  one                    <temp> = seven(FIVE, \"text\", {}, "
                           "[\"a\", \"bc\"], <listener>)\n") != std::string::npos);
}
