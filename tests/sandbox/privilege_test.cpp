#include "sandbox/privilege.hpp"

#include <unistd.h>

#include "jails.hpp"

using namespace faas;
using namespace faas::sandbox;
using namespace faas::test;

TEST_CASE("root is uid 0 with what it takes to build jails") {
  CHECK(is_root(0, ~0ull));
  CHECK_FALSE(is_root(1000, ~0ull));
  CHECK_FALSE(is_root(0, 0));
  CHECK_FALSE(is_root(0, ~(1ull << 21)));  // CAP_SYS_ADMIN
}

TEST_CASE("a range of ids must be mapped as a whole") {
  CHECK(maps_ids("         0          0 4294967295\n", 100'000'000, 65'536));
  CHECK(maps_ids("0 1000 1\n100 200 50\n", 100, 50));
  CHECK_FALSE(maps_ids("0 1000 1\n100 200 50\n", 100, 51));
  CHECK_FALSE(maps_ids("0 1000 1\n", 100'000'000, 1));
  CHECK_FALSE(maps_ids("", 1, 1));
}

TEST_CASE("automatic is what this process can do") {
  Jails jails;
  bool const delegated = std::getenv("FAAS_TEST_CGROUP_ROOT") != nullptr;
  auto const expected = ::geteuid() == 0 ? Privilege::root
                        : delegated      ? Privilege::delegated
                                         : Privilege::unprivileged;
  CHECK(jails.sandbox().privilege() == expected);
  CHECK(to_string(Privilege::delegated) == "delegated");
}

TEST_CASE("root asked for by an ordinary user is denied" * doctest::test_suite("user")) {
  auto options = jail_options();
  options.privilege = Privilege::root;
  auto const refused = Sandbox::open(options);
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::denied);
}

TEST_CASE("fewer rights than one has can be asked for") {
  auto options = jail_options();
  options.privilege = Privilege::unprivileged;
  options.cgroup_root.clear();
  Jails jails(options);
  CHECK(jails.sandbox().privilege() == Privilege::unprivileged);
  CHECK(jails.sandbox().degraded());
  CHECK(jails.attempt({"hello"}).output == "hello\n");
  auto running = jails.start(Jails::victim({"stubborn"}));
  Jails::read(running, 6);
  jails.sandbox().kill(running.ticket);
  CHECK(jails.end(running).signal == 9);
  CHECK(Jails::read(running).empty());
}
