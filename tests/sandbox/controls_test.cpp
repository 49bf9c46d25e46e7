// Negative controls: the same victim in our jail, under plain bwrap and under runc's default spec.
// What the controls let through shows that an attempt our jail refuses was a real one. Each control
// is held to exactly the rows it fails, so that an attempt that stops being real is seen.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "jails.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;

namespace {

using Rows = std::set<std::string>;

// No filter: whole subsystems are there. Besides, it hands on what it was given (a descriptor, the
// environment) and shows the host's /proc.
Rows const kThroughBwrap{"C2",  "C4",  "C5",  "C8",  "C9", "C12", "C13", "C16",
                         "C17", "C18", "C20", "C30", "D1", "D7",  "D8",  "D16"};
// No filter either, and three capabilities; /sys and the cgroup tree are shown. Descriptors and
// environment are its own.
Rows const kThroughRunc{"C2",  "C4",  "C5",  "C8",  "C9",  "C12", "C13", "C16", "C17",
                        "C18", "C20", "C23", "C29", "C30", "D7",  "D8",  "D9"};

// The rows of which at least one attempt got through.
Rows open_rows(std::string const& output) {
  Rows rows;
  std::istringstream lines(output);
  for (std::string row, name, result; lines >> row >> name >> result;)
    if (result == "open") rows.insert(row);
  return rows;
}

std::vector<std::string> attempts(std::string const& output) {
  std::vector<std::string> all;
  std::istringstream lines(output);
  for (std::string row, name, result; lines >> row >> name >> result;)
    all.push_back(row + " " + name);
  return all;
}

// All that a program writes to its standard output; it must end well.
std::string output_of(std::vector<std::string> const& argv) {
  auto [ours, theirs] = Jails::pipe();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), 1);
  std::vector<char*> arguments;
  for (auto const& a : argv) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  REQUIRE(::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) == 0);
  ::posix_spawn_file_actions_destroy(&actions);
  theirs.reset();
  std::string output;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ours.get(), buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<std::size_t>(n));
  int status = -1;
  ::waitpid(pid, &status, 0);
  CHECK_MESSAGE(status == 0, argv[0]);
  return output;
}

// What a careless host leaves lying about: a directory without O_CLOEXEC, a secret in the
// environment.
class CarelessHost {
 public:
  CarelessHost() : directory_(::open("/", O_RDONLY | O_DIRECTORY)) {
    ::setenv("FAAS_CANARY", "secret", 1);
  }
  ~CarelessHost() { ::unsetenv("FAAS_CANARY"); }

 private:
  sys::Fd directory_;
};

std::string in_our_jail() {
  Jails jails;
  auto const story = jails.attempt({"doors"});
  REQUIRE(story.exited.has_value());
  CHECK(story.exited->code == 0);
  return story.output;
}

std::string under_bwrap() {
  return output_of({"bwrap", "--unshare-all", "--cap-drop", "ALL", "--new-session", "--ro-bind",
                    "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
                    "--ro-bind", FAAS_VICTIMS, "/var/task", "/var/task/victim", "doors"});
}

void replace(std::string& text, std::string_view before, std::string_view after) {
  auto const at = text.find(before);
  REQUIRE_MESSAGE(at != std::string::npos, std::string(before));
  text.replace(at, before.size(), after);
}

// Its default spec but for what is run and that there is no terminal.
std::string under_runc() {
  TempDir bundle;
  output_of({"runc", "spec", "--bundle", bundle.path()});
  auto const config = bundle / "config.json";
  std::ifstream file(config);
  std::string spec{std::istreambuf_iterator<char>(file), {}};
  replace(spec, R"("terminal": true)", R"("terminal": false)");
  replace(spec, R"("sh")", R"("/victim", "doors")");
  std::ofstream(config) << spec;
  std::filesystem::create_directory(bundle / "rootfs");
  std::filesystem::copy(FAAS_VICTIMS "/victim", bundle / "rootfs/victim");
  return output_of({"runc", "--root", bundle / "state", "run", "--bundle", bundle.path(),
                    "faas-control-" + std::to_string(::getpid())});
}

void compare(std::string const& jail, std::string const& control, Rows const& through) {
  CHECK(attempts(jail).size() > 80);
  CHECK(attempts(jail) == attempts(control));
  CHECK(open_rows(jail) == Rows{});
  CHECK(open_rows(control) == through);
}

}  // namespace

TEST_CASE("plain bwrap lets sixteen rows through that our jail refuses on the same attempts") {
  if (skipped_unless(std::filesystem::exists("/usr/bin/bwrap"), "needs bwrap")) return;
  CarelessHost host;
  compare(in_our_jail(), under_bwrap(), kThroughBwrap);
}

TEST_CASE("runc's default spec lets seventeen rows through that our jail refuses") {
  if (skipped_unless(std::filesystem::exists("/usr/sbin/runc"), "needs runc")) return;
  if (skipped_unless(::geteuid() == 0, "runc's default spec needs root")) return;
  CarelessHost host;
  compare(in_our_jail(), under_runc(), kThroughRunc);
}
