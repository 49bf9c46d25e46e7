// A10: a pid is a name that somebody else may have a moment later.
#include <filesystem>

#include "canary.hpp"
#include "jails.hpp"
#include "sys/text_file.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string of(pid_t pid) { return "/proc/" + std::to_string(pid); }

pid_t parent_of(pid_t pid) {
  auto const status = sys::read_text(of(pid) + "/status").value();
  return std::atoi(status.c_str() + status.find("PPid:") + 5);
}

bool is_free(pid_t pid) {
  for (int i = 0; i < 500 && std::filesystem::exists(of(pid)); ++i) ::usleep(10'000);
  return !std::filesystem::exists(of(pid));
}

}  // namespace

TEST_CASE("who has the number of a jail that has just ended is never signalled") {
  Jails jails;
  int reused = 0;
  for (int round = 0; round < 50; ++round) {
    auto running = jails.start(Jails::victim({"sleep"}));
    Jails::read(running, 6);
    pid_t const program = running.started.pid, init = parent_of(program);
    jails.sandbox().kill(running.ticket);
    // Its end is known to the spawner, and not yet to us.
    REQUIRE(is_free(program));
    REQUIRE(is_free(init));
    Canary one(program), two(init);
    reused += one.has_wanted() + two.has_wanted();
    jails.sandbox().terminate(running.ticket);
    jails.sandbox().kill(running.ticket);
    CHECK(jails.end(running).signal == SIGKILL);
    jails.sandbox().kill(running.ticket);
    CHECK(jails.attempt({"hello"}).exited->code == 0);  // the spawner has read all of it
    CHECK(one.is_undisturbed());
    CHECK(two.is_undisturbed());
  }
  if (::geteuid() == 0) CHECK(reused > 50);  // others are born meanwhile, but not that many
}
