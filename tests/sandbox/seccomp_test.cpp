#include "sandbox/seccomp.hpp"

#include <linux/filter.h>

#include <map>
#include <set>

#include "jails.hpp"
#include "sandbox/seccomp_rules.hpp"

using namespace faas;
using namespace faas::sandbox;
using namespace faas::test;

namespace {

std::set<std::string> allowed(Classes which) {
  std::set<std::string> calls;
  for (auto const& rule : call_rules())
    if (rule.classes & which) calls.insert(rule.call);
  for (auto const& rule : argument_rules()) calls.insert(rule.call);
  return calls;
}

}  // namespace

TEST_CASE("each class allows at most 230 calls") {
  for (auto const which : {kGeneral, kPython, kNode, kNative}) CHECK(allowed(which).size() <= 230);
}

TEST_CASE("a filter is compiled for each class, small enough for the kernel") {
  for (auto const which :
       {SeccompClass::general, SeccompClass::python, SeccompClass::node, SeccompClass::native}) {
    auto const program = compile_filter(which, true);
    CHECK(program.size() % sizeof(sock_filter) == 0);
    CHECK(program.size() / sizeof(sock_filter) < 700);
  }
}

TEST_CASE("what no function needs is refused in every class, by the errno that tells why") {
  Jails jails;
  std::map<std::string, std::string> const other{{"clone3", "ENOSYS"},
                                                 {"unknown-call", "ENOSYS"},
                                                 {"socket-unix-stream", "done"},
                                                 {"socket-inet-stream", "done"},
                                                 {"socket-inet6-dgram", "done"},
                                                 {"socket-sweep-refused", "1"},
                                                 {"bounding", "0"},
                                                 {"int80", "SYS"},
                                                 {"x32", "SYS"}};
  for (auto const which :
       {SeccompClass::general, SeccompClass::python, SeccompClass::node, SeccompClass::native}) {
    auto spec = Jails::victim({"attempts"});
    spec.seccomp = which;
    auto const story = jails.run(spec);
    CHECK(story.exited->code == 0);
    std::istringstream lines(story.output);
    int attempts = 0;
    for (std::string name, result; lines >> name >> result; ++attempts) {
      CAPTURE(name);
      auto const expected = other.find(name);
      if (name == "prctl-no-new-privs-off")
        CHECK(result == "EINVAL");  // allowed to be asked; the kernel never takes it back
      else
        CHECK(result == (expected == other.end() ? "EPERM" : expected->second));
    }
    CHECK(attempts > 90);
  }
}
