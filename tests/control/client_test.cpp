// The client against a real daemon's front end, with functions in jails.
#include <doctest/doctest.h>

#include <faas/control.hpp>
#include <filesystem>
#include <fstream>

#include "http/serving.hpp"
#include "support/result.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// Answers its event by way of the Runtime API, with nothing but a shell and curl would need a
// network client; python3 of the host is what the project's setup installs anyway.
void write_function(std::string const& directory, std::string const& answer) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/app.py")
      << "def handler(event, context):\n    print('hello from', event)\n    return " << answer
      << "\n";
}

std::optional<std::string> installed_python() {
  for (auto const& name : installed_runtimes("/usr/bin")) {
    if (name.starts_with("python3.")) return name;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a function is deployed, called, changed, watched and deleted") {
  auto const python = installed_python();
  if (skipped_unless(python.has_value(), "no python3 in /usr/bin")) return;
  TempDir directory;
  Serving serving;
  auto const client = Client::open(serving.server().address()).value();

  write_function(directory / "f", "{'n': 1}");
  DeployRequest request;
  request.name = "f";
  request.path = directory / "f";
  request.runtime = *python;
  request.handler = "app.handler";
  request.timeout = 10;
  std::uint64_t sent = 0;
  auto const created =
      client.deploy(request, [&](std::uint64_t done, std::uint64_t) { sent = done; });
  REQUIRE(created);
  CHECK(created->created);
  CHECK(created->runtime == *python);
  CHECK(created->memory == 128);
  CHECK(sent > 0);

  auto const cold = client.invoke("f", "{\"a\":1}", true);
  REQUIRE(cold);
  CHECK_FALSE(cold->function_error);
  CHECK(cold->payload == "{\"n\": 1}");
  CHECK(cold->log.find("hello from") != std::string::npos);
  CHECK((cold->start == "cold" || cold->start == "first"));
  CHECK(client.invoke("f", "")->start == "warm");
  CHECK(client.invoke("f", "", false, "$LATEST")->version == "$LATEST");
  CHECK(client.invoke("f:$LATEST", "")->version == "$LATEST");
  CHECK(client.invoke("f", "", false, "none").error().reason == "ResourceNotFoundException");

  write_function(directory / "f", "{'n': 2}");
  DeployRequest change;
  change.name = "f";
  change.path = directory / "f";
  change.memory = 256;
  change.capacity = 2;
  auto const updated = client.deploy(change);
  REQUIRE(updated);
  CHECK_FALSE(updated->created);
  CHECK(updated->memory == 256);
  CHECK(updated->timeout == 10);
  CHECK(updated->json.find("\"PerExecutionEnvironmentMaxConcurrency\":2") != std::string::npos);
  CHECK(client.invoke("f", "{}")->payload == "{\"n\": 2}");

  CHECK(client.list()->functions.size() == 1);
  CHECK_FALSE(client.instances()->instances.empty());
  CHECK_FALSE(client.status()->fields.empty());
  CHECK_FALSE(client.doctor()->report.checks.empty());

  std::string text;
  LogRequest follow;
  follow.follow = true;
  REQUIRE(client.logs("f", follow, [&](std::string_view piece) {
    text += piece;
    return text.find("hello from {'a': 1}") == std::string::npos;
  }));

  CHECK(client.remove("f"));
  auto const gone = client.invoke("f", "{}");
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == Errc::not_found);
  CHECK(client.remove("f").error().reason == "ResourceNotFoundException");
}

TEST_CASE("what the daemon refuses is told with its reason") {
  TempDir directory;
  Serving serving;
  auto const client = Client::open(serving.server().address()).value();
  DeployRequest request;
  request.name = "f";
  request.path = directory / "missing";
  CHECK(client.deploy(request).error().reason == "NoSuchPath");
  std::ofstream(directory / "bad.zip") << "this is no zip";
  request.path = directory / "bad.zip";
  request.runtime = "provided";
  auto const bad = client.deploy(request);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == Errc::invalid_argument);
  CHECK(count_of(bad.error().message, "Could not unzip uploaded file.") == 1);
  std::ofstream(directory / "empty.zip").flush();
  request.path = directory / "empty.zip";
  CHECK(client.deploy(request).error().message.find("It has 0 bytes") != std::string::npos);
  write_function(directory / "f", "1");
  request.path = directory / "f";
  request.runtime = "python2.7";
  auto const unknown = client.deploy(request);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message.find("python2.7") != std::string::npos);
}
