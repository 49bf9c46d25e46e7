#include "sandbox/plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace faas;
using namespace faas::sandbox;

namespace {

Facts some_host() {
  Facts facts;
  facts.root_entries = {
      {"bin", "usr/bin"}, {"sbin", "usr/sbin"}, {"lib", "usr/lib"}, {"lib64", "usr/lib64"}};
  facts.alternatives = true;
  facts.last_capability = 40;
  return facts;
}

Spec some_wish() {
  Spec spec;
  spec.id = "golden";
  spec.argv = {"/var/task/bootstrap", "an argument"};
  spec.environment = {"LANG=C.UTF-8", "TZ=:UTC"};
  spec.task = "/srv/trees/abc";
  spec.opt = "/srv/trees/layer";
  spec.files = {{"/var/runtime/shim/shim.py", "print()\n"}};
  spec.listener = true;
  spec.output_fd = 5;
  spec.error_fd = 6;
  return spec;
}

// FAAS_TEST_WRITE_GOLDEN=1 writes what is found instead: read the difference before committing it.
void check_golden(std::string const& name, std::string const& found) {
  auto const path = std::string(FAAS_SOURCE_DIR) + "/tests/sandbox/data/" + name;
  if (std::getenv("FAAS_TEST_WRITE_GOLDEN")) std::ofstream(path) << found;
  std::ifstream file(path);
  std::string const golden{std::istreambuf_iterator<char>(file), {}};
  CHECK(found == golden);
}

std::size_t place(Plan const& plan, std::string_view name) {
  auto const it = std::find_if(plan.steps.begin(), plan.steps.end(),
                               [&](Step const& s) { return s.name == name; });
  REQUIRE_MESSAGE(it != plan.steps.end(), name);
  return static_cast<std::size_t>(it - plan.steps.begin());
}

bool has(Plan const& plan, std::string_view name) {
  return std::any_of(plan.steps.begin(), plan.steps.end(),
                     [&](Step const& s) { return s.name == name; });
}

}  // namespace

TEST_CASE("the plan of a root's jail is the committed one") {
  check_golden("plan_root.txt",
               to_text(make_plan(some_wish(), some_host(), 100'000'007, 100'000'007)));
}

TEST_CASE("the plan of the root that such jails share is the committed one") {
  check_golden("plan_tree.txt", to_text(make_tree(some_wish().files, some_host())));
}

TEST_CASE("the plan of an ordinary user's jail is the committed one") {
  auto facts = some_host();
  facts.privilege = Privilege::unprivileged;
  facts.root_entries[0].target.clear();  // and this host is not merged-usr
  check_golden("plan_unprivileged.txt", to_text(make_plan(some_wish(), facts, 12'345, 12'345)));
}

TEST_CASE("rights are dropped and the filter is loaded before there is a process for the program") {
  auto const plan = make_plan(some_wish(), some_host(), 1, 1);
  CHECK(place(plan, "limit-core") < place(plan, "drop-bounding"));
  CHECK(place(plan, "drop-bounding") < place(plan, "drop-capabilities"));
  CHECK(place(plan, "drop-capabilities") < place(plan, "no-new-privileges"));
  CHECK(place(plan, "no-new-privileges") + 1 == place(plan, "seccomp"));
  for (auto const& step : plan.steps)
    CHECK((step.where == wire::Where::program) == (&step > &plan.steps[place(plan, "seccomp")]));
  CHECK(place(plan, "close-files") + 2 == plan.steps.size());
  CHECK(place(plan, "exec") + 1 == plan.steps.size());
}

TEST_CASE("a jail does what needs no id before it waits for its maps, and nothing that does") {
  for (auto const privilege : {Privilege::root, Privilege::unprivileged}) {
    auto host = some_host();
    host.privilege = privilege;
    auto const plan = make_plan(some_wish(), host, 1, 1);
    auto const maps = place(plan, "await-maps");
    for (auto const* step : {"loopback-up", "listener-listen", "host-name", "scheduling",
                             "limit-processes", "lock-securebits", "drop-bounding"})
      CHECK_MESSAGE(place(plan, step) < maps, step);
    for (auto const* step : {"become-uid", "private-mounts", "mount-tmp", "mount-task", "umask",
                             "limit-files", "drop-capabilities"})
      CHECK_MESSAGE(place(plan, step) > maps, step);
  }
}

TEST_CASE("the package is mounted last, on the finished read-only root") {
  auto host = some_host();
  host.privilege = Privilege::unprivileged;
  auto const plan = make_plan(some_wish(), host, 1, 1);
  CHECK(place(plan, "pivot-root") < place(plan, "unmount-host"));
  CHECK(place(plan, "unmount-host") < place(plan, "read-only-root"));
  CHECK(place(plan, "read-only-root") < place(plan, "mount-task"));
  CHECK(place(plan, "mount-task") < place(plan, "drop-capabilities"));
  auto const tree = make_tree(some_wish().files, some_host());
  CHECK(place(tree, "unmount-host") < place(tree, "read-only-root"));
  CHECK(place(tree, "read-only-root") + 1 == tree.steps.size());
}

TEST_CASE("a root that jails share holds nothing of one function but the files it is chosen by") {
  auto const tree = make_tree(some_wish().files, some_host());
  for (auto const* own : {"open-task", "open-opt", "mount-task", "mount-tmp", "listener-socket"})
    CHECK_FALSE(has(tree, own));
  for (auto const& step : tree.steps) CHECK(step.where == wire::Where::tree);
}

TEST_CASE("RLIMIT_DATA stands in only where no controller counts memory") {
  auto facts = some_host();
  auto const says = [&](std::string_view limit) {
    return to_text(make_plan(some_wish(), facts, 1, 1)).find(limit) != std::string::npos;
  };
  CHECK(says("RLIMIT_DATA, {134217728, 134217728}"));
  facts.memory_controller = true;
  CHECK(says("RLIMIT_DATA, {none, none}"));
}

TEST_CASE("limits never exceed what this process was given") {
  auto facts = some_host();
  facts.hard_limits[RLIMIT_CORE] = 0;
  facts.hard_limits[RLIMIT_NOFILE] = 256;
  facts.hard_limits[RLIMIT_STACK] = 1 << 20;
  auto const text = to_text(make_plan(some_wish(), facts, 1, 1));
  CHECK(text.find("RLIMIT_CORE, {0, 0}") != std::string::npos);
  CHECK(text.find("RLIMIT_NOFILE, {256, 256}") != std::string::npos);
  CHECK(text.find("RLIMIT_STACK, {1048576, 1048576}") != std::string::npos);
}

TEST_CASE("a jail's place in line is never better than usual, nor than the host's (D17)") {
  auto facts = some_host();
  auto const place_of = [&](int nice, bool background) {
    facts.nice = nice;
    facts.background = background;
    auto const text = to_text(make_plan(some_wish(), facts, 1, 1));
    auto const at = text.find("sched_setattr(0, {") + 18;
    return text.substr(at, text.find('}', at) - at);
  };
  CHECK(place_of(-20, false) == "SCHED_OTHER, nice 0");
  CHECK(place_of(0, false) == "SCHED_OTHER, nice 0");
  CHECK(place_of(7, false) == "SCHED_OTHER, nice 7");
  CHECK(place_of(0, true) == "SCHED_IDLE, nice 0");
}

TEST_CASE("a channel is moved to 3 once nothing of ours is there, and all above is closed") {
  auto spec = some_wish();
  spec.channel_fd = 7;
  auto const plan = make_plan(spec, some_host(), 1, 1);
  CHECK(place(plan, "announce") < place(plan, "channel"));
  CHECK(place(plan, "channel") < place(plan, "close-files"));
  auto const text = to_text(plan);
  CHECK(text.find("dup3(<channel>, 3, 0)") != std::string::npos);
  CHECK(text.find("close_range(4, ~0u, 0)") != std::string::npos);
}

TEST_CASE("a start makes its own mounts and no new root: all else is made once") {
  auto const count = [](Plan const& plan, std::vector<std::string_view> const& calls) {
    return std::count_if(plan.steps.begin(), plan.steps.end(), [&](Step const& step) {
      return std::find(calls.begin(), calls.end(), step.call.text) != calls.end();
    });
  };
  auto const plan = make_plan(some_wish(), some_host(), 1, 1);
  CHECK(count(plan, {"mount", "move_mount"}) == 5);  // private, proc, tmp, opt, task
  CHECK(count(plan, {"open_tree"}) == 2);
  CHECK(count(plan, {"pivot_root", "umount2", "mkdirat", "mknodat", "symlinkat"}) == 0);
  CHECK(count(plan, {"execve"}) == 1);
  CHECK(plan.steps.size() <= 117);
}

TEST_CASE(
    "what is ready is not done again: the steps left of a pooled start and of one in a shell") {
  auto const plan = make_plan(some_wish(), some_host(), 1, 1);
  auto const count = [&](std::vector<wire::Where> const& where) {
    return std::count_if(plan.steps.begin(), plan.steps.end(), [&](Step const& step) {
      return std::find(where.begin(), where.end(), step.where) != where.end();
    });
  };
  using wire::Where;
  CHECK(count({Where::network}) == 7);
  CHECK(count({Where::before, Where::after, Where::jail, Where::package, Where::program}) <= 110);
  CHECK(count({Where::before, Where::package, Where::program}) <= 18);  // in a shell
  CHECK(count({Where::tree}) == 0);
  for (auto const& step : plan.steps)
    if (step.where == Where::package) CHECK(std::string_view(step.call.text) == "move_mount");
}

TEST_CASE("nothing of a jail is asked for that the wish does not name") {
  Spec spec;
  spec.id = "bare";
  spec.argv = {"/bin/true"};
  auto const plan = make_plan(spec, some_host(), 1, 1);
  for (auto const* step :
       {"listener-socket", "open-task", "mount-task", "open-opt", "mount-opt", "channel"})
    CHECK_FALSE(has(plan, step));
}

TEST_CASE("a tree of the host is closed with every mount below it") {
  constexpr std::uint64_t kRecursive = 0x8000;  // AT_RECURSIVE
  int closed = 0;
  auto steps = make_plan(some_wish(), some_host(), 1000, 1000).steps;
  auto const tree = make_tree(some_wish().files, some_host()).steps;
  steps.insert(steps.end(), tree.begin(), tree.end());
  for (auto const& step : steps) {
    for (auto const& arg : step.args) {
      auto const* number = std::get_if<Number>(&arg);
      if (!number || !number->text || !std::string_view(number->text).ends_with("AT_RECURSIVE"))
        continue;
      CHECK_MESSAGE((number->value & kRecursive) != 0, step.name);
      closed += std::string_view(step.name).starts_with("close-");
    }
  }
  CHECK(closed >= 3);  // /usr, the code, the layer
}
