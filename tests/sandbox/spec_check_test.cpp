#include "sandbox/spec_check.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <functional>

#include "support/result.hpp"
#include "sys/message.hpp"

using namespace faas;
using namespace faas::sandbox;

namespace {

Spec good() {
  Spec spec;
  spec.id = "a-1";
  spec.argv = {"/bin/true"};
  return spec;
}

// The field a changed wish is refused for; empty if it is not.
std::string refused(std::function<void(Spec&)> const& change) {
  auto spec = good();
  change(spec);
  auto const result = check(spec);
  if (!result.has_error()) return {};
  CHECK(result.error().code == Errc::invalid_argument);
  return result.error().message.substr(0, result.error().message.find(" is \""));
}

std::string refused_options(std::function<void(SandboxOptions&)> const& change) {
  SandboxOptions options;
  change(options);
  auto const result = check(options);
  return result.has_error()
             ? result.error().message.substr(0, result.error().message.find(" is \""))
             : "";
}

}  // namespace

TEST_CASE("a wish with nothing wrong is taken") {
  CHECK(check(good()));
  CHECK(refused([](Spec& s) {
          s.task = "/srv/x";
          s.opt = "/srv/y";
          s.cpus = 0.5;
        }).empty());
  CHECK(refused([](Spec& s) { s.id = std::string(64, 'a'); }).empty());
  CHECK(refused([](Spec& s) {
          s.files = {{"/etc/x/y", ""}, {"/var/runtime/z", std::string(65'536, 'z')}};
        }).empty());
}

TEST_CASE("a channel that is no socket is refused (G3)") {
  sys::Fd const directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto const pair = sys::seqpacket_pair().value();
  CHECK(refused([&](Spec& s) { s.channel_fd = directory.get(); }) == "channel_fd");
  CHECK(refused([](Spec& s) { s.channel_fd = 1'000'000; }) == "channel_fd");
  CHECK(refused([&](Spec& s) { s.channel_fd = pair.first.get(); }).empty());
}

TEST_CASE("an id that is no name of a cgroup is refused") {
  for (auto const* bad : {"", "UPPER", "a/b", "..", "a.b", "a b", "ü"})
    CHECK_MESSAGE(refused([&](Spec& s) { s.id = bad; }) == "id", bad);
  CHECK(refused([](Spec& s) { s.id = std::string(65, 'a'); }) == "id");
}

TEST_CASE("a program must be named, absolutely") {
  CHECK(refused([](Spec& s) { s.argv.clear(); }) == "argv");
  for (auto const* bad : {"true", "", "/a/../b", "/a//b", "/a/./b", "/a/"})
    CHECK_MESSAGE(refused([&](Spec& s) { s.argv[0] = bad; }) == "argv[0]", bad);
  CHECK(refused([](Spec& s) { s.argv.push_back(std::string("a\0b", 3)); }) == "argv");
}

TEST_CASE("an environment is of names and values") {
  for (auto const& bad :
       {std::string("NAME"), std::string("=x"), std::string(), std::string("A=\0", 3)})
    CHECK(refused([&](Spec& s) { s.environment = {bad}; }) == "environment");
}

TEST_CASE("trees and the working directory are absolute") {
  CHECK(refused([](Spec& s) { s.task = "code"; }) == "task");
  CHECK(refused([](Spec& s) { s.task = "/a/../etc"; }) == "task");
  CHECK(refused([](Spec& s) { s.opt = "./x"; }) == "opt");
}

TEST_CASE("a working directory is one of the jail's, never a way to what is open (D2)") {
  for (auto const* bad : {"", "x", "/tmp/../proc", "/./proc/self/cwd", "//proc/self/fd/3", "/proc",
                          "/proc/self/fd/3", "/proc/1/root", "/dev/fd/3", "/dev"})
    CHECK_MESSAGE(refused([&](Spec& s) { s.working_directory = bad; }) == "working_directory", bad);
  for (auto const* good : {"/", "/tmp", "/var/task/lib", "/process", "/devices"})
    CHECK_MESSAGE(refused([&](Spec& s) { s.working_directory = good; }).empty(), good);
}

TEST_CASE("files may only be where the jail has room for them") {
  for (auto const* bad :
       {"/etc", "/etc/", "/tmp/x", "/var/task/x", "etc/x", "/etc/../x", "/var/runtime",
        "/etc/passwd", "/etc/alternatives/x", "/etc/resolv.conf", "/usr/x"})
    CHECK_MESSAGE(refused([&](Spec& s) { s.files = {{bad, ""}}; }) == "files.path", bad);
  CHECK(refused([](Spec& s) { s.files = {{"/etc/x", ""}, {"/etc/x", ""}}; }) == "files.path");
  CHECK(refused([](Spec& s) { s.files = {{"/etc/x", ""}, {"/etc/x/y", ""}}; }) == "files.path");
  CHECK(refused([](Spec& s) {
          s.files = {{"/etc/x", std::string(65'537, 'x')}};
        }) == "files.content");
  CHECK(refused([](Spec& s) {
          for (int i = 0; i < 65; ++i) s.files.push_back({"/etc/" + std::to_string(i), ""});
        }) == "files");
}

TEST_CASE("limits have both ends") {
  CHECK(refused([](Spec& s) { s.memory = {0}; }) == "memory");
  CHECK(refused([](Spec& s) { s.memory = {~0ull}; }) == "memory");
  CHECK(refused([](Spec& s) { s.tmp = {0}; }) == "tmp");  // a tmpfs of size 0 has no limit
  CHECK(refused([](Spec& s) { s.processes = 0; }) == "processes");
  CHECK(refused([](Spec& s) { s.open_files = 3; }) == "open_files");
  for (double const bad : {-1.0, 0.001, 1e9, 0.0 / 0.0})
    CHECK(refused([&](Spec& s) { s.cpus = bad; }) == "cpus");
}

TEST_CASE("one start fits one message") {
  CHECK(refused([](Spec& s) { s.environment = {"A=" + std::string(200'000, 'x')}; }) ==
        "argv, environment and files");
}

TEST_CASE("options are checked, too") {
  CHECK(check(SandboxOptions{}));
  CHECK(refused_options([](auto& o) { o.runtime_id = "UP"; }) == "runtime_id");
  CHECK(refused_options([](auto& o) { o.runtime_id = std::string(33, 'a'); }) == "runtime_id");
  CHECK(refused_options([](auto& o) { o.cgroup_root = "relative"; }) == "cgroup_root");
  CHECK(refused_options([](auto& o) { o.uid_base = 0; }) == "uid_base, uid_count");
  CHECK(refused_options([](auto& o) { o.uid_count = 0; }) == "uid_base, uid_count");
  CHECK(refused_options([](auto& o) { o.uid_base = ~0u; }) == "uid_base, uid_count");
}
