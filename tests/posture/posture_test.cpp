// What a function and its threads are and see, against the committed picture of it: in its first
// call, in its tenth, and after it started a thread, in jails made by root, by a user with a cgroup
// of its own, and by any user. The host that makes them is as untidy as can be (probe.cpp).
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "posture/golden.hpp"
#include "support/skip.hpp"

using namespace faas::test;

namespace {

std::string const kFile = std::string(FAAS_SOURCE_DIR) + "/tests/posture/data/posture.txt";

Golden committed() {
  std::ifstream file(kFile);
  return Golden(std::string{std::istreambuf_iterator<char>(file), {}});
}

// What the probe printed, by its titles.
std::map<std::string, Lines> run_probe(std::string const& before) {
  auto const command = before + FAAS_POSTURE_PROBE;
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe);
  std::string text;
  char buffer[4096];
  for (std::size_t n; (n = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  REQUIRE(::pclose(pipe) == 0);
  std::map<std::string, Lines> parts;
  std::istringstream lines(text);
  std::string title;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#### "))
      parts[title = line.substr(5)];
    else
      parts[title].push_back(line);
  }
  return parts;
}

// Nobody in a user namespace raises a hard limit: where the host was given less, so is the
// function.
Lines as_given_here(Lines lines) {
  static std::map<std::string, __rlimit_resource> const kLimits = {
      {"Max cpu time", RLIMIT_CPU},
      {"Max file size", RLIMIT_FSIZE},
      {"Max stack size", RLIMIT_STACK},
      {"Max core file size", RLIMIT_CORE},
      {"Max resident set", RLIMIT_RSS},
      {"Max processes", RLIMIT_NPROC},
      {"Max open files", RLIMIT_NOFILE},
      {"Max locked memory", RLIMIT_MEMLOCK},
      {"Max address space", RLIMIT_AS},
      {"Max file locks", RLIMIT_LOCKS},
      {"Max pending signals", RLIMIT_SIGPENDING},
      {"Max msgqueue size", RLIMIT_MSGQUEUE},
      {"Max nice priority", RLIMIT_NICE},
      {"Max realtime priority", RLIMIT_RTPRIO},
      {"Max realtime timeout", RLIMIT_RTTIME}};
  auto const value = [](std::string const& word) {
    return word == "unlimited" ? RLIM_INFINITY : std::stoull(word);
  };
  for (auto& line : lines) {
    auto const colon = line.find(':');
    auto const found = kLimits.find(line.substr(0, colon));
    if (found == kLimits.end()) continue;
    rlimit own{};
    REQUIRE(::getrlimit(found->second, &own) == 0);
    std::istringstream words(line.substr(colon + 1));
    line.resize(colon + 1);
    for (std::string word; words >> word;)
      line += " " + (own.rlim_max < value(word) ? std::to_string(own.rlim_max) : word);
  }
  return lines;
}

void check_postures(std::string const& rights, std::string const& before) {
  auto const found = run_probe(before);
  auto const why = "cannot make jails with these rights here: " + rights;
  if (skipped_unless(found.contains("rights " + rights), why)) return;
  auto golden = committed();
  auto const row = std::find(kRights.begin(), kRights.end(), rights) - kRights.begin();
  for (std::size_t call = 0; call < kCalls.size(); ++call) {
    CAPTURE(kCalls[call]);
    Situation const here{call, static_cast<std::size_t>(row)};
    auto const& lines = found.at(std::string(kCalls[call]));
    if (std::getenv("FAAS_TEST_WRITE_GOLDEN")) golden.accept(here, lines);
    auto const differs = difference(as_given_here(golden.expected(here)), lines);
    CHECK_MESSAGE(differs.empty(),
                  "\n" << joined(differs) << "(CONTRIBUTING.md says how to accept it)");
  }
  if (std::getenv("FAAS_TEST_WRITE_GOLDEN")) std::ofstream(kFile) << golden.text();
}

// tests/victims/as_user.c; does nothing for who is an ordinary user already.
std::string as_user(std::string const& with = {}) {
  return std::string(FAAS_AS_USER) + " 12345 " + with;
}

}  // namespace

TEST_CASE("the posture of a function is the committed one in a jail made by root") {
  check_postures("root", "");
}

TEST_CASE("the posture of a function is the committed one in a jail made by a delegated user") {
  check_postures("delegated", as_user("--cgroup "));
}

TEST_CASE("the posture of a function is the committed one in a jail made by an ordinary user") {
  check_postures("unprivileged", as_user());
}

TEST_CASE("what differs between two postures has its reason beside it") {
  CHECK(joined(committed().unexplained()) == "");
}
