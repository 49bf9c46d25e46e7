#include "invoker/launch.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "support/interpreters.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::invoker;
using namespace faas::test;

namespace {

FunctionInfo info_of(std::string runtime) {
  FunctionInfo info;
  info.function.name = "f";
  info.function.runtime = std::move(runtime);
  info.function.handler = "app.handler";
  return info;
}

bool has(std::vector<std::string> const& environment, std::string const& entry) {
  return std::find(environment.begin(), environment.end(), entry) != environment.end();
}

}  // namespace

TEST_CASE("a runtime nobody knows is refused with those that exist") {
  auto const refused = parse_runtime("cobol85", "/usr/bin");
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::invalid_argument);
  CHECK(refused.error().message.find("provided.al2023, native") != std::string::npos);
  CHECK(parse_runtime("nodejs20", "/usr/bin").has_error());
}

TEST_CASE("a provided runtime needs no interpreter, a managed one needs its own") {
  TempDir nothing;
  auto const empty = nothing.path();
  CHECK(parse_runtime("provided.al2", empty).value().interpreter.empty());
  CHECK(Runtimes(empty).check("provided.al2").has_value());
  CHECK(Runtimes(empty).check("native").has_value());
  auto const refused = Runtimes(empty).check("python3.11");
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(Runtimes("/usr/bin").check(python_runtime()).has_value());
  CHECK(parse_runtime(python_runtime(), "/usr/bin").value().interpreter ==
        "/usr/bin/" + python_runtime());
}

TEST_CASE("only an executable file is a bootstrap, not a directory and no link that leads out") {
  TempDir task;
  CHECK(find_bootstrap({task.path(), {}}).empty());
  task.write("bootstrap", "#!/bin/sh\n");
  CHECK(find_bootstrap({task.path(), {}}).empty());
  task.write("bootstrap", "#!/bin/sh\n", true);
  CHECK(find_bootstrap({task.path(), {}}) == "/var/task/bootstrap");
  std::filesystem::rename(task / "bootstrap", task / "real");
  std::filesystem::create_symlink("real", task / "bootstrap");
  CHECK(find_bootstrap({task.path(), {}}) == "/var/task/bootstrap");
  std::filesystem::remove(task / "bootstrap");
  std::filesystem::create_symlink("/bin/true", task / "bootstrap");
  CHECK(find_bootstrap({task.path(), {}}).empty());
}

TEST_CASE(
    "a program of another machine is no bootstrap; one that is no program is the kernel's to say") {
  std::ifstream self("/proc/self/exe", std::ios::binary);
  std::string header(64, '\0');
  self.read(header.data(), 64);
  auto const found = [&](std::string const& bytes) {
    TempDir task;
    task.write("bootstrap", bytes, true);
    return !find_bootstrap({task.path(), {}}).empty();
  };
  CHECK(found(header));
  auto other = header;
  other[4] = 1;  // 32 bits
  CHECK_FALSE(found(other));
  other = header;
  other[18] = 8;  // MIPS
  CHECK_FALSE(found(other));
  CHECK_FALSE(found(header.substr(0, 18)));
  CHECK(
      found("\x7f"
            "EL"));
  CHECK(found(""));
}

TEST_CASE("a fifo is no bootstrap, and nobody waits for its writer") {
  TempDir task;
  REQUIRE(::mkfifo((task / "bootstrap").c_str(), 0755) == 0);
  CHECK(find_bootstrap({task.path(), {}}).empty());
}

TEST_CASE("a bootstrap of the package comes before one of its layers") {
  TempDir task, opt;
  CHECK(find_bootstrap({task.path(), opt.path()}).empty());
  opt.write("bootstrap", "#!/bin/sh\n", true);
  CHECK(find_bootstrap({task.path(), opt.path()}) == "/opt/bootstrap");
  CHECK(find_bootstrap({task.path(), {}}).empty());
  auto const spec = make_spec(info_of("provided"), {}, {task.path(), opt.path()}, "us-east-1", "i");
  CHECK(spec.opt == opt.path());
  CHECK(spec.argv == std::vector<std::string>{"/opt/bootstrap"});
  task.write("bootstrap", "not executable");
  CHECK(find_bootstrap({task.path(), opt.path()}) == "/opt/bootstrap");
  task.write("bootstrap", "#!/bin/sh\n", true);
  CHECK(find_bootstrap({task.path(), opt.path()}) == "/var/task/bootstrap");
}

TEST_CASE("node looks for modules of layers, for its own version first") {
  auto const environment = make_environment(info_of("nodejs20.x"), RuntimeFamily::node, "r");
  CHECK(has(environment,
            "NODE_PATH=/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:"
            "/var/task/node_modules"));
}

TEST_CASE("the environment is Lambda's and the function's own, nothing of the host's") {
  ::setenv("FAAS_TEST_SECRET", "of the host", 1);
  auto info = info_of("python3.11");
  info.function.environment = {{"COLOUR", "red"}, {"TZ", "Europe/Berlin"}};
  auto const environment = make_environment(info, RuntimeFamily::python, "eu-central-1");
  CHECK(has(environment, "AWS_LAMBDA_FUNCTION_NAME=f"));
  CHECK(has(environment, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128"));
  CHECK(has(environment, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001"));
  CHECK(has(environment, "AWS_EXECUTION_ENV=AWS_Lambda_python3.11"));
  CHECK(has(environment, "_HANDLER=app.handler"));
  CHECK(has(environment,
            "AWS_LAMBDA_LOG_STREAM_NAME=1970/01/01/[$LATEST]00000000000000000000000000000000"));
  CHECK(has(environment, "COLOUR=red"));
  CHECK(has(environment, "TZ=Europe/Berlin"));
  CHECK(std::none_of(environment.begin(), environment.end(),
                     [](auto const& e) { return e.starts_with("FAAS_TEST"); }));
  ::unsetenv("FAAS_TEST_SECRET");
  auto const provided =
      make_environment(info_of("provided"), RuntimeFamily::provided, "eu-central-1");
  CHECK(std::none_of(provided.begin(), provided.end(),
                     [](auto const& e) { return e.starts_with("AWS_EXECUTION_ENV"); }));
}

TEST_CASE("only a function that takes several calls at once is told how many") {
  auto info = info_of("python3.11");
  auto const one = make_environment(info, RuntimeFamily::python, "r");
  CHECK(has(one, "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand"));
  CHECK(std::none_of(one.begin(), one.end(),
                     [](auto const& e) { return e.starts_with("AWS_LAMBDA_MAX_CONCURRENCY"); }));
  info.function.limits.capacity = 8;
  auto const several = make_environment(info, RuntimeFamily::python, "r");
  CHECK(has(several, "AWS_LAMBDA_INITIALIZATION_TYPE=lambda-managed-instances"));
  CHECK(has(several, "AWS_LAMBDA_MAX_CONCURRENCY=8"));
}

TEST_CASE("a native function has a channel instead of the Runtime API") {
  TempDir nothing;
  auto const launch = parse_runtime("native", nothing.path()).value();
  auto const spec = make_spec(info_of("native"), launch, {nothing.path(), {}}, "us-east-1", "i");
  CHECK_FALSE(spec.listener);
  CHECK(spec.seccomp == SeccompClass::native);
  CHECK(std::none_of(spec.environment.begin(), spec.environment.end(), [](auto const& e) {
    return e.starts_with("AWS_LAMBDA_RUNTIME_API") || e.starts_with("AWS_EXECUTION_ENV");
  }));
}
