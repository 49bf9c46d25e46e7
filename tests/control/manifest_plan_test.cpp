// What is wanted and what is there, as values: no daemon, no file.
#include "control/manifest_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "support/result.hpp"

using namespace faas;
using namespace faas::control;
using Action = Step::Action;
using Kind = AppliedStep::Kind;

namespace {

ManifestFunction hello() {
  ManifestFunction f;
  f.name = "hello";
  f.runtime = "python3.11";
  f.handler = "app.handler";
  f.code = "hello/";
  f.line = 4;
  return f;
}

// `f` as a daemon has it that did all the file says.
ExistingFunction there(ManifestFunction f) {
  ExistingFunction e;
  e.state = std::move(f);
  e.state.code.clear();
  e.arn = "arn:hello";
  e.code_sha256 = "sum";
  return e;
}

std::vector<Step> plan(ManifestFunction const& f, ExistingFunction const* existing,
                       std::string sum = "sum") {
  WantedFunction wanted{&f, std::move(sum)};
  return plan_function(wanted, existing, "f.yaml", "shop").value();
}

std::vector<Action> actions(std::vector<Step> const& steps) {
  std::vector<Action> out;
  for (auto const& step : steps) out.push_back(step.action);
  return out;
}

// "memory: 128 -> 256" of each difference of a step.
std::vector<std::string> told(Step const& step) {
  std::vector<std::string> out;
  for (auto const& d : step.shown.differences)
    out.push_back(d.field + ": " + d.from + " -> " + d.to);
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("what is as the file says needs no step") {
  auto f = hello();
  f.environment = {{"A", "1"}};
  f.tags = {{"t", "v"}};
  f.reserved = ReservedCalls{3};
  f.aliases = {{"live", {"1", {{"2", 10}}, "d"}}, {"gone", {"none", {}, ""}}};
  f.provisioned = {{"live", 2}, {"old", 0}};
  auto existing = there(f);
  existing.state.aliases.erase("gone");
  existing.state.provisioned.erase("old");
  CHECK(plan(f, &existing).empty());
}

TEST_CASE("a function that is not there is created, with the stack's mark, and then the rest") {
  auto f = hello();
  f.tags = {{"t", "v"}};
  f.reserved = ReservedCalls{3};
  f.aliases = {{"live", {"published", {}, ""}}};
  f.provisioned = {{"live", 2}};
  auto const steps = plan(f, nullptr);
  CHECK(actions(steps) == std::vector{Action::put, Action::reserve, Action::publish,
                                      Action::set_alias, Action::provision});
  CHECK(steps[0].shown.kind == Kind::create);
  CHECK(steps[0].with_code);
  CHECK(steps[0].tags == std::map<std::string, std::string>{{"t", "v"}, {"faas:applied", "shop"}});
  CHECK(told(steps[0]) == Texts{"runtime:  -> python3.11", "handler:  -> app.handler",
                                "code:  -> sum", "memory:  -> 128", "timeout:  -> 3",
                                "tmp:  -> 512", "capacity:  -> 1", "tags.t:  -> v"});
  CHECK(steps[3].alias.version == kPublished);
}

TEST_CASE("a function that is not there cannot be made from half a description") {
  auto f = hello();
  f.code.clear();
  auto const no_code = plan_function({&f, ""}, nullptr, "f.yaml", "shop");
  REQUIRE_FALSE(no_code);
  CHECK(no_code.error().message ==
        "f.yaml:4: hello is not deployed, and to create it the file must name its code");
  f = hello();
  f.runtime.clear();
  CHECK(plan_function({&f, "sum"}, nullptr, "f.yaml", "shop").error().message.ends_with("runtime"));
  auto existing = there(hello());
  f.code.clear();
  CHECK(plan(f, &existing, "").empty());  // what it does not say stays
}

TEST_CASE("each field that differs is told, and the code is uploaded only if it is another") {
  auto existing = there(hello());
  auto f = hello();
  f.memory = 256;
  f.description = "d";
  auto steps = plan(f, &existing);
  REQUIRE(actions(steps) == std::vector{Action::put});
  CHECK(steps[0].shown.kind == Kind::update);
  CHECK_FALSE(steps[0].with_code);
  CHECK(steps[0].tags.empty());  // another's function is not marked
  CHECK(told(steps[0]) == Texts{"memory: 128 -> 256", "description:  -> d"});
  steps = plan(hello(), &existing, "other");
  REQUIRE(actions(steps) == std::vector{Action::put});
  CHECK(steps[0].with_code);
  CHECK(told(steps[0]) == Texts{"code: sum -> other"});
  CHECK_FALSE(steps[0].with_capacity);
  auto several = there(hello());
  several.state.capacity = 8;
  steps = plan(hello(), &several);
  REQUIRE(actions(steps) == std::vector{Action::put});
  CHECK(steps[0].with_capacity);
  CHECK(told(steps[0]) == Texts{"capacity: 8 -> 1"});
  existing.state.layers = {"arn"};
  steps = plan(hello(), &existing);
  REQUIRE(actions(steps) == std::vector{Action::put});
  CHECK(steps[0].with_layers);
  CHECK(told(steps[0]) == Texts{"layers: arn -> "});
}

TEST_CASE("of the environment only names are told, never a value (O3)") {
  auto f = hello();
  f.environment = {{"NEW", "secret-1"}, {"SAME", "secret-2"}, {"OTHER", "secret-3"}};
  auto existing = there(hello());
  existing.state.environment = {{"OLD", "secret-4"}, {"SAME", "secret-2"}, {"OTHER", "secret-5"}};
  auto const steps = plan(f, &existing);
  REQUIRE(steps.size() == 1);
  CHECK(told(steps[0]) == Texts{"environment.OLD: (hidden) -> ", "environment.NEW:  -> (hidden)",
                                "environment.OTHER: (hidden) -> (hidden)"});
  for (auto const& line : told(plan(f, nullptr)[0]))
    CHECK(line.find("secret") == std::string::npos);
}

TEST_CASE("what the file does not name of tags, aliases and concurrency is left alone") {
  auto existing = there(hello());
  existing.state.tags = {{"t", "v"}};
  existing.state.reserved = ReservedCalls{3};
  existing.state.aliases = {{"live", {"1", {}, ""}}};
  existing.state.provisioned = {{"live", 2}};
  CHECK(plan(hello(), &existing).empty());
  auto f = hello();
  f.tags = {{"u", "w"}};
  f.reserved = ReservedCalls{};
  f.aliases = {{"other", {"1", {}, ""}}};
  f.provisioned = {{"other", 1}};
  auto const steps = plan(f, &existing);
  CHECK(actions(steps) ==
        std::vector{Action::tag, Action::reserve, Action::set_alias, Action::provision});
  CHECK(steps[0].tags == std::map<std::string, std::string>{{"u", "w"}});
  CHECK(steps[0].arn == "arn:hello");
  CHECK(told(steps[1]) == Texts{"reserved_concurrency: 3 -> none"});
}

TEST_CASE("what stands on an alias goes before it and comes after it") {
  auto f = hello();
  f.aliases = {{"gone", {"none", {}, ""}}, {"live", {"2", {}, ""}}};
  f.provisioned = {{"gone", 0}, {"live", 1}};
  auto existing = there(hello());
  existing.state.aliases = {{"gone", {"1", {}, ""}}};
  existing.state.provisioned = {{"gone", 2}};
  auto const steps = plan(f, &existing);
  CHECK(actions(steps) == std::vector{Action::unprovision, Action::remove_alias, Action::set_alias,
                                      Action::provision});
  CHECK(steps[0].shown.kind == Kind::remove);
  CHECK(told(steps[1]) == Texts{"aliases.gone: 1 -> "});
}

TEST_CASE("an alias of what is published is moved when that is something new, and only then") {
  auto f = hello();
  f.aliases = {{"live", {"published", {}, ""}}};
  auto existing = there(f);
  existing.newest = "3";
  existing.newest_is_current = true;
  existing.state.aliases = {{"live", {"3", {}, ""}}};
  CHECK(plan(f, &existing).empty());
  existing.state.aliases = {{"live", {"2", {}, ""}}};
  auto steps = plan(f, &existing);
  REQUIRE(actions(steps) == std::vector{Action::set_alias});
  CHECK(steps[0].alias.version == "3");
  CHECK(told(steps[0]) == Texts{"aliases.live: 2 -> 3"});
  existing.newest_is_current = false;
  CHECK(actions(plan(f, &existing)) == std::vector{Action::publish, Action::set_alias});
  existing.newest_is_current = true;
  CHECK(actions(plan(f, &existing, "other")) ==
        std::vector{Action::put, Action::publish, Action::set_alias});
}

TEST_CASE("a function of another stack moves to this one, and is said to") {
  auto const f = hello();
  auto e = there(f);
  e.stack = "other";
  auto const steps = plan(f, &e);
  REQUIRE(actions(steps) == std::vector{Action::tag});
  CHECK(steps[0].tags.at(std::string(kAppliedTag)) == "shop");
  CHECK(told(steps[0]) == std::vector<std::string>{"stack: other -> shop"});
  e.stack = "";
  CHECK(plan(f, &e).empty());
}

TEST_CASE("only what this stack created and the file has no more is pruned") {
  Manifest m;
  m.stack = "shop";
  m.functions = {hello()};
  auto const existing = [](std::string name, std::string stack) {
    ExistingFunction e;
    e.state.name = std::move(name);
    e.stack = std::move(stack);
    return e;
  };
  auto const steps = plan_prune(m, {existing("hello", "shop"), existing("gone", "shop"),
                                    existing("by-hand", ""), existing("theirs", "other")});
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].action == Action::remove);
  CHECK(steps[0].shown.function == "gone");
  m.stack.clear();
  CHECK(plan_prune(m, {existing("by-hand", "")}).empty());
}
