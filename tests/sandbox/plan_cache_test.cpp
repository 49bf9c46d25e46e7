#include "sandbox/plan_cache.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace faas;
using namespace faas::sandbox;

namespace {

Facts some_host(Privilege privilege = Privilege::root) {
  Facts facts;
  facts.privilege = privilege;
  facts.root_entries = {{"bin", "usr/bin"}, {"lib", "usr/lib"}};
  facts.last_capability = 40;
  return facts;
}

Spec some_wish() {
  Spec spec;
  spec.id = "one";
  spec.argv = {"/var/task/bootstrap"};
  // What looks like a map is none.
  spec.environment = {"MAP=1000 100000001 1"};
  spec.task = "/srv/1000 100000001 1/tree";
  spec.listener = true;
  return spec;
}

// As without a cache.
void check_right(PlanCache& cache, Spec const& spec, Facts const& host, std::uint32_t uid,
                 bool pause = false) {
  auto plan = make_plan(spec, host, uid, uid);
  if (pause)
    std::erase_if(plan.steps, [](Step const& s) { return s.where == wire::Where::program; });
  auto const wanted = encode(plan);
  auto const& found = cache.get(spec, host, uid, uid, pause);
  CHECK(found.encoded.bytes == wanted.bytes);
  CHECK(found.encoded.steps == wanted.steps);
  CHECK(found.encoded.arena == wanted.arena);
  CHECK(found.owner == plan.owner);
  CHECK(found.clone_flags == plan.clone_flags);
}

using Change = std::function<void(Spec&)>;

// Of each field a plan depends on.
std::vector<Change> changes() {
  return {[](Spec& s) { s.argv.push_back("more"); },
          [](Spec& s) { s.environment.push_back("A=b"); },
          [](Spec& s) { s.working_directory = "/tmp"; },
          [](Spec& s) { s.task = "/srv/other"; },
          [](Spec& s) { s.opt = "/srv/layer"; },
          [](Spec& s) {
            s.files = {{"/etc/mine", "x"}};
          },
          [](Spec& s) { s.seccomp = SeccompClass::native; },
          [](Spec& s) { s.memory = 64_MiB; },
          [](Spec& s) { s.tmp = 1_MiB; },
          [](Spec& s) { s.processes = 3; },
          [](Spec& s) { s.open_files = 33; },
          [](Spec& s) { s.listener = false; },
          [](Spec& s) { s.output_fd = 5; },
          [](Spec& s) { s.error_fd = 5; },
          [](Spec& s) { s.channel_fd = 5; },
          [](Spec&) {}};
}

}  // namespace

TEST_CASE("the next jail of a function gets its own ids, and all else as before") {
  for (auto const privilege : {Privilege::root, Privilege::delegated}) {
    PlanCache cache;
    for (std::uint32_t const uid :
         {100'000'001u, 100'000'002u, 7u, 8u, 4'000'000'000u, 100'000'001u})
      check_right(cache, some_wish(), some_host(privilege), uid);
  }
}

TEST_CASE("whatever of a wish differs, its plan is its own") {
  for (auto const privilege : {Privilege::root, Privilege::unprivileged})
    for (auto const& first : changes())
      for (auto const& second : changes()) {
        PlanCache cache;
        auto host = some_host(privilege);
        std::uint32_t uid = 100'000'000;
        for (auto const& change : {first, second, first}) {
          auto spec = some_wish();
          change(spec);
          for (bool const pause : {false, true}) check_right(cache, spec, host, ++uid, pause);
        }
      }
}

TEST_CASE("a plan follows the place in line that the spawner has now") {
  PlanCache cache;
  auto host = some_host();
  check_right(cache, some_wish(), host, 100'000'001);
  host.nice = 5;
  check_right(cache, some_wish(), host, 100'000'002);
  host.background = true;
  check_right(cache, some_wish(), host, 100'000'003);
}
