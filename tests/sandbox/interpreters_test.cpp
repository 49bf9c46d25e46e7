#include "sandbox/interpreters.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "support/skip.hpp"
#include "support/temp_dir.hpp"

using namespace faas::sandbox;
using Names = std::vector<std::string>;

namespace {

void program(std::string const& path, std::string const& text, unsigned mode = 0755) {
  std::ofstream(path) << text;
  ::chmod(path.c_str(), mode);
}

}  // namespace

TEST_CASE("a directory without interpreters still runs what brings its own") {
  faas::test::TempDir directory;
  CHECK(find_interpreters(directory.path()) ==
        Names{"native", "provided", "provided.al2", "provided.al2023"});
  CHECK(find_interpreters("/nowhere-at-all") ==
        Names{"native", "provided", "provided.al2", "provided.al2023"});
}

TEST_CASE("pythons are known by their names, without being run") {
  faas::test::TempDir directory;
  for (auto const* name : {"python3.9", "python3.12"}) program(directory / name, "");
  for (auto const* name : {"python3", "python3.x", "python3.11-config", "python3."})
    program(directory / name, "");
  program(directory / "python3.10", "", 0644);
  CHECK(find_interpreters(directory.path()) ==
        Names{"native", "provided", "provided.al2", "provided.al2023", "python3.12", "python3.9"});
}

TEST_CASE("a node that says nothing useful is none") {
  faas::test::TempDir directory;
  program(directory / "node", "not a program");
  CHECK(find_interpreters(directory.path()).size() == 4);
}

TEST_CASE("node is asked for its version, and the host sees no child of it") {
  if (faas::test::skipped_unless(::access("/usr/bin/node", X_OK) == 0, "needs /usr/bin/node"))
    return;
  auto const found = find_interpreters("/usr/bin");
  CHECK(std::count_if(found.begin(), found.end(), [](auto const& n) {
          return n.starts_with("nodejs") && n.ends_with(".x");
        }) == 1);
  errno = 0;
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}
