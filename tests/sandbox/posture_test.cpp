// What a jailed process is and sees, against the committed picture of it.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "jails.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// What belongs to the machine and not to the jail, made the same on all of them.
std::string normalise(std::string const& text) {
  std::istringstream lines(text);
  std::vector<std::string> rest, tree, mounts;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("namespace ")) continue;     // looked at one by one
    if (line.starts_with("Max data size")) continue;  // only where no controller counts memory
    static std::regex const mount(R"(^\d+ \d+ \d+:\d+ (\S+) (\S+) (\S+) .*- (\S+) \S+ (\S+)$)");
    if (std::smatch m; std::regex_match(line, m, mount)) {
      std::string const point = m[2], type = m[4];
      if (point.starts_with("/usr/")) continue;  // mounts a host has below its /usr
      bool const ours = type == "tmpfs" && point != "/usr";
      bool const host_file =
          point == "/usr" || point == "/etc/alternatives" || point == "/var/task";
      line = "mount " + point + " " + m[3].str() + " " + (host_file ? "(host)" : type) +
             (ours || type == "proc" ? " " + m[5].str() : "");
      line = std::regex_replace(line, std::regex("uid=\\d+,gid=\\d+"), "uid=N,gid=N");
      mounts.push_back(std::regex_replace(line, std::regex(",inode64"), ""));
      continue;
    }
    // A 64-bit host may or may not have these.
    static std::regex const foreign(R"(^. \d{4} /(lib32|libx32|lib64)\b.*)");
    if (std::regex_match(line, foreign)) continue;
    // The order of a directory is the kernel's, and that of mounts is the one they were made in,
    // which is another with other rights.
    static std::regex const listed(R"(^(. \d{4} /|proc ).*)");
    (std::regex_match(line, listed) ? tree : rest).push_back(line);
  }
  std::sort(tree.begin(), tree.end());
  std::sort(mounts.begin(), mounts.end());
  std::string out;
  for (auto const& lines_of : {rest, mounts, tree})
    for (auto const& line : lines_of) out += line + "\n";
  return out;
}

void check_golden(std::string const& found) {
  auto const path = std::string(FAAS_SOURCE_DIR) + "/tests/sandbox/data/posture.txt";
  if (std::getenv("FAAS_TEST_WRITE_GOLDEN")) std::ofstream(path) << found;
  std::ifstream file(path);
  std::string const golden{std::istreambuf_iterator<char>(file), {}};
  CHECK(found == golden);
}

std::string host_namespace(std::string const& kind) {
  return std::filesystem::read_symlink("/proc/self/ns/" + kind).string();
}

}  // namespace

TEST_CASE("the posture of a jailed process is the committed one, with any rights") {
  Jails jails;
  auto spec = Jails::victim({"posture"});
  spec.environment = {"ONLY=this"};
  auto const story = jails.run(spec);
  REQUIRE(story.exited->code == 0);
  check_golden(normalise(story.output));
}

TEST_CASE("all seven namespaces are new") {
  Jails jails;
  auto const story = jails.attempt({"posture"});
  for (std::string const kind : {"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"}) {
    CAPTURE(kind);
    auto const at = story.output.find("namespace " + kind + ":[");
    REQUIRE(at != std::string::npos);
    CHECK(story.output.substr(at + 10, host_namespace(kind).size()) != host_namespace(kind));
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
