#include <faas/host.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "jails.hpp"

using namespace faas;

TEST_CASE("the audit says of each thing what was found, and what it costs unless it is fine") {
  auto const report = audit_host();
  std::set<std::string> names;
  for (auto const& check : report.checks) {
    CAPTURE(check.name);
    CHECK(names.insert(check.name).second);
    CHECK_FALSE(check.found.empty());
    CHECK(check.cost.empty() == (check.state == HostState::ok));
    CHECK(check.fix.empty() == (check.state == HostState::ok));
  }
  for (auto const* name : {"kernel", "cgroup-controllers", "user-namespaces", "seccomp", "landlock",
                           "smt", "ksm", "swap", "core-dumps", "yama", "io-uring",
                           "unprivileged-bpf", "ia32", "mitigations", "open-files"})
    CHECK_MESSAGE(names.contains(name), name);
}

TEST_CASE("the audit and the sandbox agree on this host") {
  auto const report = audit_host();
  CHECK(report.worst() != HostState::missing);  // this very process builds jails
  auto const cgroups = std::find_if(report.checks.begin(), report.checks.end(),
                                    [](auto const& c) { return c.name == "cgroup-controllers"; });
  REQUIRE(cgroups != report.checks.end());
  // The audit asks of the mount, a sandbox of the directory it was given.
  if (test::jail_options().cgroup_root.empty())
    CHECK((cgroups->state == HostState::degraded) == test::Jails().sandbox().degraded());
}

TEST_CASE("the worst of a report is that of its checks") {
  HostReport report;
  CHECK(report.worst() == HostState::ok);
  report.checks = {{"a", HostState::degraded, "", "", ""}, {"b", HostState::ok, "", "", ""}};
  CHECK(report.worst() == HostState::degraded);
  report.checks.push_back({"c", HostState::missing, "", "", ""});
  CHECK(report.worst() == HostState::missing);
  CHECK(to_string(HostState::degraded) == "degraded");
}
