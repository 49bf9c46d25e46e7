// What the language shims do before the function's first byte.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "contract/shim_host.hpp"
#include "contract/shipped.hpp"
#include "support/interpreters.hpp"

using contract_test::have_program;
using contract_test::ShimHost;
using contract_test::Shipped;

namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

std::string output(std::string const& command) {
  std::string text;
  FILE* const program = ::popen(command.c_str(), "re");
  for (int byte; (byte = std::fgetc(program)) != EOF;) text += static_cast<char>(byte);
  CHECK(::pclose(program) == 0);
  return text;
}

}  // namespace

TEST_CASE(
    "python: the shim runs from its bytecode, from its text where the interpreter is another") {
  if (!have_program("/usr/bin/python3")) return;
  Files const echo = {{"app.py", "def handler(event, context): return event\n"}};
  Shipped shipped(faas::test::python_runtime());
  REQUIRE(shipped.command[1] == shipped.path("start.py"));
  auto const answers = [&] {
    ShimHost host(shipped.command, "app.handler", echo);
    return host.call("1").body;
  };
  CHECK(answers() == "1");
  std::string const text = shipped.path("bootstrap.py"), bytecode = text + "c";
  fs::rename(text, text + ".away");
  CHECK(answers() == "1");
  fs::rename(text + ".away", text);
  std::fstream(bytecode, std::ios::in | std::ios::out) << "no";
  CHECK(answers() == "1");
  fs::remove(text);
  CHECK(answers().empty());
}

TEST_CASE(
    "python: nothing is imported that the function did not ask for, but two compiled modules") {
  if (!have_program("/usr/bin/python3")) return;
  Shipped shipped(faas::test::python_runtime());
  ShimHost host(shipped.command, "app.handler", {{"app.py", R"(import sys
def handler(event, context):
    return [name for name in sys.modules if name not in event]
)"}});
  auto const bare =
      output("env -i " + shipped.command[0] +
             " -c 'import sys; print(str(list(sys.modules)).replace(chr(39), chr(34)))'");
  CHECK(host.call(bare).body == R"(["_json", "_socket", "app"])");
}

TEST_CASE("node: nothing is loaded that the function did not ask for, but fs, path and util") {
  if (!have_program("/usr/bin/node")) return;
  Shipped shipped(faas::test::node_runtime());
  std::string const bare = shipped.path("bare.js");
  // The three are loaded anyway, but Node 18 does so only for a program that asks, and more of its
  // own once a program has been read.
  std::ofstream(bare) << "for (const name of ['fs', 'path', 'util']) require(name);\n"
                         "setImmediate(() => {\n"
                         "  const found = JSON.stringify(process.moduleLoadList);\n"
                         "  process.stdout.write(found);\n"
                         "});\n";
  auto const loaded = output("env -i " + shipped.command[0] + " " + bare);
  Files const more = {{"index.js", R"(exports.handler = async (bare) =>
  process.moduleLoadList.filter((name) => name.startsWith('NativeModule') && !bare.includes(name));
)"}};
  ShimHost host(shipped.command, "index.handler", more);
  CHECK(host.call(loaded).body == "[]");
  shipped.command.insert(shipped.command.begin() + 1, "--pending-deprecation");
  ShimHost by_net(shipped.command, "index.handler", more);
  CHECK(by_net.call(loaded).body.find("\"NativeModule net\"") != std::string::npos);
}
