// What of a jail only its maker sees; what the function in it sees is in tests/posture.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "jails.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string host_namespace(std::string const& kind) {
  return std::filesystem::read_symlink("/proc/self/ns/" + kind).string();
}

}  // namespace

TEST_CASE("all seven namespaces are new") {
  Jails jails;
  auto const story = jails.attempt({"posture"});
  for (std::string const kind : {"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"}) {
    CAPTURE(kind);
    auto const inside = story.answer("namespace " + kind);
    CHECK(inside.starts_with(kind + ":["));
    CHECK(inside != host_namespace(kind));
  }
}

TEST_CASE("pid 1 of a jail has no rights and no descriptors either") {
  Jails jails;
  auto running = jails.start(Jails::victim({"sleep"}));
  Jails::read(running, 6);
  auto const slurp = [](std::string const& path) {
    std::ifstream file(path);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  auto const stat = slurp("/proc/" + std::to_string(running.started.pid) + "/stat");
  auto const parent = stat.substr(stat.find(") ") + 4);
  auto const init = "/proc/" + parent.substr(0, parent.find(' '));
  auto const status = slurp(init + "/status");
  for (auto const* line :
       {"CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "NSpid:"})
    CHECK_MESSAGE(status.find(line) != std::string::npos, line);
  CHECK(status.find("\t1\n", status.find("NSpid:")) != std::string::npos);
  if (::geteuid() == 0) {  // it is not dumpable: nobody else may look
    int files = 0;
    for ([[maybe_unused]] auto const& entry : std::filesystem::directory_iterator(init + "/fd"))
      ++files;
    CHECK(files == 4);  // /dev/null three times, and the report to the spawner
  }
}
