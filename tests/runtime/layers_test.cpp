// Layers: published, seen at /opt by every kind of function, and kept.
#include "support/host.hpp"

using namespace faas;
using namespace faas::test;

namespace {

Digest files(Host& host, std::vector<std::pair<std::string, std::string>> const& named) {
  TempDir directory;
  for (auto const& [name, text] : named) directory.write(name, text);
  return host.store(directory);
}

LayerInfo publish(Host& host, std::string name, Digest code) {
  Layer layer;
  layer.name.name = std::move(name);
  layer.code = std::move(code);
  return host.await(host.runtime().publish_layer(std::move(layer))).value();
}

constexpr std::string_view kUsesTool =
    "import tool, os\n"
    "def handler(event, context):\n"
    "    try:\n"
    "        open('/opt/python/tool.py', 'w')\n"
    "    except OSError as e:\n"
    "        return [tool.name, open('/opt/data').read(), e.strerror]\n";

std::string bootstrap(std::string_view says) {
  return "#!/bin/sh\nexec /usr/bin/python3 /opt/run.py " + std::string(says) + "\n";
}

// A runtime in a layer, as custom runtimes are shipped.
constexpr std::string_view kRuntime =
    "import http.client, os, sys\n"
    "api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
    "while True:\n"
    "    api.request('GET', '/2018-06-01/runtime/invocation/next')\n"
    "    r = api.getresponse(); r.read(); i = r.headers['Lambda-Runtime-Aws-Request-Id']\n"
    "    api.request('POST', '/2018-06-01/runtime/invocation/%s/response' % i, '\"%s\"' % "
    "sys.argv[1])\n"
    "    api.getresponse().read()\n";

}  // namespace

TEST_CASE("a python function imports from its layer, reads it at /opt and cannot write it") {
  Host host;
  auto function = host.python("f", kUsesTool);
  function.layers = {files(host, {{"python/tool.py", "name = 'layer'\n"}, {"data", "d"}})};
  host.deploy(std::move(function));
  auto const outcome = host.invoke("f").value();
  CHECK(outcome.payload == R"(["layer", "d", "Read-only file system"])");
}

TEST_CASE("a module for one version of python comes before one for all") {
  Host host;
  auto function = host.python("f", "import tool\ndef handler(e, c):\n    return tool.name\n");
  auto const place = "python/lib/" + Host::python_runtime() + "/site-packages/tool.py";
  function.layers = {
      files(host, {{place, "name = 'one'\n"}, {"python/tool.py", "name = 'all'\n"}})};
  host.deploy(std::move(function));
  CHECK(host.invoke("f").value().payload == R"("one")");
}

TEST_CASE("a node function requires from its layer, for its version and for all") {
  Host host;
  TempDir code;
  code.write(
      "index.js",
      "const a = require('a'), b = require('b');\n"
      "exports.handler = async () => [a, b, require('fs').readFileSync('/opt/x', 'utf8')];\n");
  Function function;
  function.name = FunctionName("f");
  function.runtime = Host::node_runtime();
  function.handler = "index.handler";
  function.code = host.store(code);
  auto const version = function.runtime.substr(6, function.runtime.size() - 8);
  function.layers = {
      files(host, {{"nodejs/node_modules/a/index.js", "module.exports = 'a';"}, {"x", "1"}}),
      files(host,
            {{"nodejs/node" + version + "/" + "node_modules/b/index.js", "module.exports = 'b';"},
             {"x", "2"}})};
  host.deploy(std::move(function));
  CHECK(host.invoke("f").value().payload == R"(["a","b","2"])");
}

TEST_CASE("a provided function starts with its layer's bootstrap, its own comes first") {
  Host host;
  TempDir layer, code, own;
  layer.write("bootstrap", bootstrap("layer"), true);
  layer.write("run.py", kRuntime);
  code.write("data", "no bootstrap");
  own.write("bootstrap", bootstrap("own"), true);
  Function function;
  function.name = FunctionName("f");
  function.runtime = "provided.al2023";
  function.handler = "any";
  function.code = host.store(code);
  function.layers = {host.store(layer)};
  host.deploy(function);
  CHECK(host.invoke("f").value().payload == R"("layer")");

  FunctionUpdate update;
  update.code = host.store(own);
  CHECK(host.await(host.runtime().update("f", update)).value().function.layers.size() == 1);
  CHECK(host.invoke("f").value().payload == R"("own")");

  // Without either there is nothing to start.
  FunctionUpdate none;
  none.code = host.store(code);
  none.layers = std::vector<Digest>();
  CHECK(host.await(host.runtime().update("f", none)).has_value());
  CHECK(host.invoke("f").value().error_type == "Runtime.InvalidEntrypoint");
}

TEST_CASE("of two layers with one file the later one's is seen, and a changed order is an update") {
  Host host;
  constexpr std::string_view kReads =
      "import os\n"
      "def handler(event, context):\n"
      "    return [open('/opt/x').read(), sorted(os.listdir('/opt'))]\n";
  auto function = host.python("f", kReads);
  auto const first = files(host, {{"x", "first"}, {"a", ""}});
  auto const second = files(host, {{"x", "second"}, {"b", ""}});
  function.layers = {first, second};
  host.deploy(std::move(function));
  CHECK(host.invoke("f").value().payload == R"(["second", ["a", "b", "x"]])");
  FunctionUpdate update;
  update.layers = {second, first};
  auto const before = host.runtime().get("f").value().revision;
  CHECK(host.await(host.runtime().update("f", update)).value().revision != before);
  CHECK(host.invoke("f").value().payload == R"(["first", ["a", "b", "x"]])");
}

TEST_CASE("a function without layers has an empty /opt") {
  Host host;
  host.deploy_python("f", "import os\ndef handler(e, c):\n    return os.listdir('/opt')\n");
  CHECK(host.invoke("f").value().payload == "[]");
}

TEST_CASE("code and layers together are held to the limit of what is unpacked, to the byte") {
  auto options = test_options();
  options.packages.unpacked = Bytes{10'000};
  Host host(options);
  auto function = host.python("f", kEcho);
  auto const code = host.runtime().package(function.code).value().unpacked.count;
  auto const whole = files(host, {{"x", std::string(10'000 - code - 100, 'x')}});
  auto const rest = files(host, {{"y", std::string(100, 'y')}});
  auto const more = files(host, {{"y", std::string(101, 'y')}});
  function.layers = {whole, more};
  auto const refused = host.await(host.runtime().deploy(function));
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == Errc::too_large);
  CHECK(refused.error().reason == "InvalidParameterValueException");
  CHECK(refused.error().message.find("Unzipped size must be smaller than 10000 bytes") == 0);
  CHECK(refused.error().message.find("10001") != std::string::npos);
  function.layers = {whole, rest};
  CHECK(host.await(host.runtime().deploy(function)).has_value());
  FunctionUpdate update;
  update.layers = {whole, more};
  CHECK(host.await(host.runtime().update("f", update)).error().code == Errc::too_large);
  CHECK(host.runtime().get("f").value().function.layers == function.layers);
}

TEST_CASE("a layer that was never stored is refused, at publishing and at deploy") {
  Host host;
  auto function = host.python("f", kEcho);
  function.layers = {{std::string(64, '0')}};
  CHECK(host.await(host.runtime().deploy(function)).error().code == Errc::not_found);
  Layer layer;
  layer.name.name = "l";
  layer.code = {std::string(64, '0')};
  CHECK(host.await(host.runtime().publish_layer(layer)).error().code == Errc::not_found);
  layer.code = {};
  CHECK(host.await(host.runtime().publish_layer(layer)).error().code == Errc::invalid_argument);
}

TEST_CASE("published versions and the layers of functions survive a restart, with their packages") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  Digest published, used, unused;
  {
    Host host(options);
    published = files(host, {{"x", "published"}});
    used = files(host, {{"python/tool.py", "name = 'used'\n"}, {"data", "d"}});
    unused = files(host, {{"x", "unused"}});
    CHECK(publish(host, "l", published).version == 1);
    CHECK(publish(host, "l", used).version == 2);
    CHECK(publish(host, "gone", unused).version == 1);
    auto function = host.python("f", kUsesTool);
    function.layers = {published, used};
    host.deploy(std::move(function));
    CHECK(host.invoke("f").value().payload.find("used") != std::string::npos);
    // The version goes, the function keeps what it has.
    CHECK(host.await(host.runtime().remove_layer({.name = "l"}, 2)).has_value());
    CHECK(host.await(host.runtime().remove_layer({.name = "gone"}, 1)).has_value());
    CHECK(host.await(host.runtime().remove_layer({.name = "gone"}, 1)).has_value());
    CHECK(host.runtime().layer({.name = "l"}, 2).error().code == Errc::not_found);
    CHECK(host.runtime().usage().code.count ==
          host.runtime().get("f").value().code_size.count +
              host.runtime().package(published).value().size.count);
  }
  Host host(options);
  CHECK(host.runtime().package(published).has_value());
  CHECK(host.runtime().package(used).has_value());
  CHECK_FALSE(host.runtime().package(unused).has_value());
  CHECK(host.runtime().layer({.name = "l"}, 1).value().layer.code == published);
  CHECK(host.runtime().layers(kDefaultAccount, "", 10).size() == 1);
  CHECK(publish(host, "l", published).version == 3);
  CHECK(host.runtime().layer_versions({.name = "l"}, 0, 10).size() == 2);
  auto const outcome = host.invoke("f").value();
  CHECK(outcome.payload == R"(["used", "d", "Read-only file system"])");
  // A new function may still be given the package by its digest.
  auto function = host.python("g", kUsesTool);
  function.layers = {used};
  host.deploy(std::move(function));
  CHECK(host.invoke("g").value().payload == outcome.payload);
}

TEST_CASE("a layer that was written to on disk is built anew before the next start") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  options.scheduler.max_instances = 4;
  Host host(options);
  auto function = host.python("f", "def handler(e, c):\n    return open('/opt/x').read()\n");
  function.layers = {files(host, {{"x", "true"}})};
  auto const layer = function.layers.front().hex;
  host.deploy(function);
  CHECK(host.invoke("f").value().payload == R"("true")");
  std::ofstream(state / "code/trees" + "/" + layer + "/x") << "evil";
  FunctionUpdate update;
  update.description = "a new instance";
  CHECK(host.await(host.runtime().update("f", update)).has_value());
  CHECK(host.invoke("f").value().payload == R"("true")");
}

TEST_CASE("instances of one revision start from a layer only while it is untouched") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  Host host(options);
  auto function = host.python("f",
                              "import os\ndef handler(e, c):\n    if e == 'end': os._exit(1)\n    "
                              "return open('/opt/x').read()\n");
  function.layers = {files(host, {{"x", "true"}}), files(host, {{"y", "2"}})};
  host.deploy(function);
  CHECK(host.invoke("f").value().payload == R"("true")");
  for (auto const& tree : std::filesystem::directory_iterator(state / "code/trees")) {
    if (std::filesystem::exists(tree.path() / "x") && std::filesystem::exists(tree.path() / "y"))
      std::ofstream(tree.path() / "x") << "evil";
  }
  CHECK(host.invoke("f", R"("end")").value().status == Status::crashed);
  CHECK(host.invoke("f").value().payload == R"("true")");
}

TEST_CASE("a published version keeps its layers, and their packages, when $LATEST has others") {
  TempDir state;
  auto options = test_options();
  options.state_dir = state.path();
  {
    Host host(options);
    auto function = host.python("f", "def handler(e, c):\n    return open('/opt/x').read()\n");
    function.layers = {files(host, {{"x", "old"}})};
    host.deploy(function);
    CHECK(host.await(host.runtime().publish("f", Publication())).value().version == "1");
    FunctionUpdate update;
    update.layers = {files(host, {{"x", "new"}})};
    CHECK(host.await(host.runtime().update("f", update)).has_value());
  }
  Host host(options);
  InvokeOptions version;
  version.qualifier = "1";
  CHECK(host.invoke("f", "{}", version).value().payload == R"("old")");
  CHECK(host.invoke("f").value().payload == R"("new")");
}
