// With every public header: a name that two of them give to different things does not compile.
#include <doctest/doctest.h>

#include <faas/control.hpp>
#include <faas/faas.hpp>
#include <faas/http_server.hpp>
#include <faas/manifest.hpp>
#include <faas/releases.hpp>
#include <string>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;

namespace {

Manifest read(std::string_view text, std::string const& origin = "dir/shop.yaml") {
  return read_manifest(text, origin).value();
}

std::string fault(std::string_view text) {
  auto const manifest = read_manifest(text, "f.yaml");
  return manifest ? "none" : manifest.error().message;
}

bool faulty(std::string_view text, std::string_view what) {
  auto const message = fault(text);
  CAPTURE(message);
  return message.find(what) != std::string::npos;
}

constexpr auto kWhole = R"(
stack: shop
functions:
  hello:
    runtime: python3.11
    handler: app.handler
    code: hello/
    memory: 256
    timeout: 10
    tmp: 1024
    capacity: 4
    environment: {PORT: 8080, "A B": "", FLAG: true}
    description: says hello
    layers: ["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]
    tags: {team: a}
    reserved_concurrency: 5
    aliases:
      live: {version: published, weights: {2: 10, "3": 0.5}, description: d}
      old: {version: 1}
      gone: {version: none}
    provisioned: {live: 2, old: 0}
  bare: {}
)";

}  // namespace

TEST_CASE("every key of our own form is read") {
  auto const m = read(kWhole);
  CHECK(m.stack == "shop");
  CHECK(m.stack_named);
  CHECK(m.origin == "dir/shop.yaml");
  REQUIRE(m.functions.size() == 2);
  auto const& f = m.functions[0];
  CHECK(f.name == "hello");
  CHECK(f.line == 4);
  CHECK(f.runtime == "python3.11");
  CHECK(f.handler == "app.handler");
  CHECK(f.code == "dir/hello/");
  CHECK(f.memory == 256);
  CHECK(f.timeout == 10);
  CHECK(f.tmp == 1024);
  CHECK(f.capacity == 4);
  CHECK(f.environment ==
        std::map<std::string, std::string>{{"PORT", "8080"}, {"A B", ""}, {"FLAG", "true"}});
  CHECK(f.description == "says hello");
  CHECK(f.layers == std::vector<std::string>{"arn:aws:lambda:us-east-1:000000000000:layer:l:1"});
  CHECK(f.tags == std::map<std::string, std::string>{{"team", "a"}});
  CHECK(f.reserved == ReservedCalls{5});
  CHECK(f.aliases.at("live") == ManifestAlias{"published", {{"2", 10}, {"3", 0.5}}, "d"});
  CHECK(f.aliases.at("old") == ManifestAlias{"1", {}, ""});
  CHECK(f.aliases.at("gone").version == kNone);
  CHECK(f.provisioned == std::map<std::string, std::uint64_t>{{"live", 2}, {"old", 0}});
}

TEST_CASE("what a function does not say is Lambda's default, or left alone") {
  auto const f = read(kWhole).functions[1];
  CHECK(f.runtime.empty());
  CHECK(f.handler.empty());
  CHECK(f.code.empty());
  CHECK(f.memory == 128);
  CHECK(f.timeout == 3);
  CHECK(f.tmp == 512);
  CHECK(f.capacity == 1);
  CHECK_FALSE(f.reserved);
  CHECK(read("functions: {f: {reserved_concurrency: none}}").functions[0].reserved ==
        ReservedCalls{});
  CHECK(read("functions: {f: {runtime: nodejs20.x}}").functions[0].handler == "index.handler");
  CHECK(read("functions: {f: {runtime: python3.11}}").functions[0].handler ==
        "lambda_function.lambda_handler");
  CHECK(read("functions: {f: {runtime: provided}}").functions[0].handler == "bootstrap");
}

TEST_CASE("a stack is named by the file, else called as the file is") {
  auto const m = read("functions: {}", "some/where/my-app.v2.yaml");
  CHECK(m.stack == "my-app.v2");
  CHECK_FALSE(m.stack_named);
  CHECK(read("functions: {}", "a b.yaml").stack.empty());
  CHECK(faulty("stack: a b\nfunctions: {}", "f.yaml:1: stack must be"));
}

TEST_CASE("code lies beside the file, unless its path is absolute") {
  CHECK(read("functions: {f: {code: ../x.zip}}").functions[0].code == "x.zip");
  CHECK(read("functions: {f: {code: /srv/x}}").functions[0].code == "/srv/x");
  CHECK(read("functions: {f: {code: x}}", "shop.yaml").functions[0].code == "x");
}

TEST_CASE("JSON says the same as YAML") {
  auto const m = read(R"({"functions": {"f": {"runtime": "provided", "memory": 256,
    "environment": {"N": 1}, "aliases": {"live": {"version": 3}}}}})");
  CHECK(m.functions[0].memory == 256);
  CHECK(m.functions[0].environment.at("N") == "1");
  CHECK(m.functions[0].aliases.at("live").version == "3");
}

TEST_CASE("a mistake is named with its file and line, and what may stand there") {
  CHECK(
      fault("functions:\n  f:\n    memroy: 1\n")
          .starts_with(
              "f.yaml:3: f has no 'memroy' here; what may stand there: aliases, capacity, code, "));
  CHECK(faulty("functions:\n  f:\n    memory: 64\n",
               "f.yaml:3: memory must be a whole number from 128 to 10240, not '64'"));
  CHECK(faulty("functions:\n  f:\n    memory: lots\n", "f.yaml:3: memory must be a whole number"));
  CHECK(faulty("functions:\n  f:\n    timeout: 1.5\n", "f.yaml:3: timeout must be"));
  CHECK(faulty("functions:\n  f:\n    timeout: -1\n", "from 1 to 900"));
  CHECK(faulty("functions: {f: {runtime: [a]}}", "runtime must be a text, not a list"));
  CHECK(faulty("functions:\n  f:\n    environment:\n      A:\n", "f.yaml:4: environment.A has no"));
  CHECK(faulty("functions: {f: {environment: [a]}}", "environment must be a map of texts"));
  CHECK(faulty("functions: {f: {layers: a}}", "layers must be a list"));
  CHECK(faulty("functions:\n  a b: {}\n", "f.yaml:2: 'a b' is no name of a function"));
  CHECK(faulty("functions: [f]", "functions must be a map"));
  CHECK(faulty("functions: {f: 1}", "f must be a map, not '1'"));
  CHECK(faulty("function: {}", "f.yaml:1: the file has no 'function' here"));
  CHECK(faulty("stack: a\n", "there is no 'functions' map"));
  CHECK(faulty("", ": the file must be a map, not nothing"));
  CHECK(faulty("- a", "the file must be a map"));
}

TEST_CASE("an alias goes to a version, with shares in percent") {
  auto const alias = [](std::string_view text) {
    return fault("functions: {f: {aliases: {" + std::string(text) + "}}}");
  };
  CHECK(alias("live: {version: 1}") == "none");
  CHECK(alias("live: {}").find("aliases.live needs a version") != std::string::npos);
  CHECK(alias("live: {version: $LATEST}").find("needs a version") != std::string::npos);
  CHECK(alias("live: {version: 01}").find("needs a version") != std::string::npos);
  CHECK(alias("1: {version: 1}").find("'1' is no name of an alias") != std::string::npos);
  CHECK(alias("live: {version: 1, weights: {a: 1}}").find("'a' is no version") !=
        std::string::npos);
  for (auto const* share : {"101", "-1", "x", "nan", "10%"}) {
    CAPTURE(share);
    CHECK(alias("live: {version: 1, weights: {2: " + std::string(share) + "}}")
              .find("percentage from 0 to 100") != std::string::npos);
  }
}

TEST_CASE("what has a tag of CloudFormation is refused, not taken for its text") {
  CHECK(faulty("functions:\n  f:\n    runtime: !Ref R\n",
               "f.yaml:3: runtime is !Ref, which CloudFormation would have to resolve"));
  CHECK(faulty("functions: {f: {environment: {A: !Sub x}}}", "environment.A is !Sub"));
  CHECK(faulty("functions: {f: {memory: {Ref: M}}}", "memory is Ref"));
  CHECK(fault("functions: {f: {runtime: !!str provided}}") == "none");
}

TEST_CASE("a file is read whole, or told why not") {
  test::TempDir directory;
  directory.write("shop.yaml", "functions: {f: {code: src}}");
  auto const m = read_manifest_file(directory / "shop.yaml");
  REQUIRE(m);
  CHECK(m->functions[0].code == directory / "src");
  auto const missing = read_manifest_file(directory / "none.yaml");
  CHECK(missing.error().code == Errc::not_found);
  CHECK(missing.error().layer == "usage");
  CHECK(read_manifest_file(directory.path()).error().message.find("Is a directory") !=
        std::string::npos);
  directory.write("big.yaml", std::string(10 << 20, '#'));
  CHECK(read_manifest_file(directory / "big.yaml").error().message.find("at most 1048576") !=
        std::string::npos);
}
