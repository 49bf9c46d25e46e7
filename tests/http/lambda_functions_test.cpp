// The control operations over a real runtime. Functions are deployed, not called: that is
// invoke_test.cpp.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <fstream>

#include "base/text.hpp"
#include "http/serving.hpp"
#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;
namespace json = boost::json;

namespace {

constexpr auto kFunctions = "/2015-03-31/functions";

std::string zip_with(std::string const& text) {
  TempDir directory;
  std::ofstream(directory / "bootstrap") << text;
  std::filesystem::permissions(directory / "bootstrap", std::filesystem::perms::owner_all);
  return pack(directory.path()).value();
}

std::string creation(std::string const& name, std::string const& more = {}) {
  return fmt::format(
      R"({{"FunctionName":"{}","Runtime":"provided.al2023","Handler":"h","Role":"arn:aws:iam::000000000000:role/r",
    "Code":{{"ZipFile":"{}"}}{}}})",
      name, to_base64(zip_with("#!/bin/sh\n")), more);
}

json::object object_of(fetch::Response const& response) {
  return json::parse(response.body).as_object();
}
std::string exception_of(fetch::Response const& response) {
  return std::string(response.header("x-amzn-ErrorType"));
}

}  // namespace

TEST_CASE("a function is created once and read back") {
  Serving serving;
  auto const created =
      serving.send("POST", kFunctions, creation("f", R"(,"Tags":{"a":"b"},"Timeout":9)"));
  CHECK(created.status == 201);
  auto const configuration = object_of(created);
  CHECK(configuration.at("State") == "Active");
  CHECK(configuration.at("Version") == "$LATEST");
  CHECK(configuration.at("CodeSha256").as_string().size() == 44);
  auto const again = serving.send("POST", kFunctions, creation("f"));
  CHECK(again.status == 409);
  CHECK(exception_of(again) == "ResourceConflictException");
  CHECK(again.body.find("Function already exist: f") != std::string::npos);

  auto const got = object_of(serving.send("GET", "/2015-03-31/functions/f"));
  CHECK(got.at("Configuration").at("Timeout") == 9);
  CHECK(got.at("Tags").at("a") == "b");
  CHECK(object_of(serving.send("GET", "/2015-03-31/functions/f/configuration")).at("RevisionId") ==
        configuration.at("RevisionId"));
}

TEST_CASE("the code's location gives the bytes that were uploaded") {
  Serving serving;
  serving.send("POST", kFunctions, creation("f"));
  auto const got = object_of(serving.send("GET", "/2015-03-31/functions/f"));
  auto const url = fetch::parse_url(std::string(got.at("Code").at("Location").as_string())).value();
  CHECK(serving.send("GET", url.target).body == zip_with("#!/bin/sh\n"));
  CHECK(serving.send("GET", "/faas/v1/packages/" + std::string(64, 'a')).status == 404);
  CHECK(serving.send("GET", "/faas/v1/packages/..").status == 404);
}

TEST_CASE("what is missing or wrong in a creation is named") {
  Serving serving;
  auto refused = [&](std::string body) {
    auto const response = serving.send("POST", kFunctions, body);
    CHECK(response.status == 400);
    return exception_of(response) + " " + response.body;
  };
  CHECK(refused("{}").find("'functionName'") != std::string::npos);
  CHECK(refused("{\"FunctionName\":\"f\",").find("SerializationException") == 0);
  CHECK(refused(R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r"})")
            .find("source for function code") != std::string::npos);
  CHECK(
      refused(
          R"({"FunctionName":"a b","Role":"arn:aws:iam::000000000000:role/r","Runtime":"provided","Handler":"h","Code":{"ZipFile":"UEs="}})")
          .find("ValidationException") == 0);
  CHECK(
      refused(
          R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Runtime":"provided","Handler":"h","Code":{"ZipFile":"%%%%"}})")
          .find("base64") != std::string::npos);
  auto const bad_zip = refused(
      R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Runtime":"provided","Handler":"h","Code":{"ZipFile":"UEs="}})");
  CHECK(count_of(bad_zip, "Could not unzip uploaded file.") == 1);
  CHECK(
      refused(
          R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Runtime":"provided","Handler":"h","Code":{"S3Bucket":"mine","S3Key":"k"}})")
          .find("/faas/v1/packages") != std::string::npos);
  CHECK(
      refused(
          R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Runtime":"java21","Handler":"h","Code":{"ZipFile":")" +
          to_base64(zip_with("x")) + "\"}}")
          .find("java21") != std::string::npos);
  CHECK(serving.runtime().list().empty());
}

TEST_CASE(
    "a configuration out of its range is refused by the name of its field, and nothing is made") {
  Serving serving;
  struct Row {
    std::string member, field;
  };
  std::string variables;
  for (int i = 0; i < 10'000; ++i)
    variables += fmt::format("{}\"KEY{}\":\"{}\"", i == 0 ? "" : ",", i, std::string(1000, 'v'));
  for (auto const& row :
       {Row{R"("Timeout":-1)", "timeout"}, Row{R"("Timeout":0)", "timeout"},
        Row{R"("Timeout":1e9)", "Timeout"}, Row{R"("MemorySize":1000000000)", "memorySize"},
        Row{R"("MemorySize":-128)", "memorySize"},
        Row{R"("MemorySize":18446744073709551615)", "MemorySize"},
        Row{R"("Handler":"../../x")", "handler"},
        Row{R"("Handler":")" + std::string(129, 'x') + "\"", "handler"},
        Row{R"("EphemeralStorage":{"Size":1000000000})", "ephemeralStorage.size"},
        Row{R"("Environment":{"Variables":{)" + variables + "}}", "environment variables"},
        Row{R"("Environment":{"Variables":{"A=B":"x"}})", "environment"},
        Row{R"("Layers":["arn:aws:lambda:us-east-1:000000000000:layer:a:1"])", "Layer version"}}) {
    auto const& member = row.member;
    auto const& field = row.field;
    CAPTURE(member.substr(0, 60));
    auto body = creation("f", "," + member);
    if (member.starts_with("\"Handler\"")) {
      auto const given = body.find(R"("Handler":"h",)");
      body.erase(given, 14);
    }
    auto const response = serving.send("POST", kFunctions, body);
    CHECK(response.status == 400);
    CHECK_MESSAGE(response.body.find(field) != std::string::npos, response.body.substr(0, 300));
    CHECK(response.body.size() < 2000);
  }
  CHECK(serving.runtime().list().empty());
}

TEST_CASE("JSON made to hurt its reader is refused") {
  Serving serving;
  for (auto const& body :
       {std::string(100'000, '['), std::string(100'000, '[') + std::string(100'000, ']'),
        "{\"a\":" + std::string(1, '{') + std::string(100'000, '['),
        std::string("{\"FunctionName\":\"") + std::string(10'000'000, 'f') + "\"}",
        std::string("{\"FunctionName\":NaN}"), std::string("{\"FunctionName\":\"\\ud800\"}"),
        std::string("{\"FunctionName\":\"\xff\"}"),
        std::string("{\"Timeout\":1e999999999,\"FunctionName\":\"f\"}")}) {
    CAPTURE(body.substr(0, 40));
    auto const response = serving.send("POST", kFunctions, body);
    CHECK(response.status == 400);
    CHECK(response.body.size() < 2000);
  }
  CHECK(serving.runtime().list().empty());
}

TEST_CASE("a name in a path is a name or refused, and never a part of a path") {
  Serving serving;
  CHECK(serving.send("POST", kFunctions, creation("f")).status == 201);
  struct Row {
    std::string name;
    int status;
  };
  for (auto const& row :
       {Row{"..%2f", 400}, Row{"..", 400}, Row{"%2e%2e%2f%2e%2e", 400}, Row{"f%2f..", 400},
        Row{"f%00", 400}, Row{"%e2%98%83", 400}, Row{"f%0d%0aX:%20y", 400},
        Row{std::string(65, 'a'), 400}, Row{std::string(141, 'a'), 400}, Row{"f:$latest", 400},
        Row{"$LATEST", 400}, Row{":$LATEST", 400}, Row{"f:$LATEST:$LATEST", 400},
        Row{"nobody", 404}, Row{"arn:aws:lambda:us-east-1:999999999999:function:f", 404},
        Row{"999999999999:function:f", 404}, Row{"F", 404}}) {
    auto const& name = row.name;
    int const status = row.status;
    CAPTURE(name);
    for (std::string const method : {"GET", "DELETE"}) {
      auto const response = serving.send(method, std::string(kFunctions) + "/" + name);
      CHECK(response.status == status);
    }
    auto const called =
        serving.send("POST", std::string(kFunctions) + "/" + name + "/invocations", "{}");
    CHECK(called.status == status);
  }
  CHECK(serving.send("GET", std::string(kFunctions) + "/f").status == 200);
}

TEST_CASE("a package is put once and named by its digest") {
  Serving serving;
  auto const zip = zip_with("#!/bin/sh\n");
  auto const put = serving.send("PUT", "/faas/v1/packages", zip);
  CHECK(put.status == 201);
  auto const package = object_of(put);
  CHECK(package.at("Size") == zip.size());
  auto const digest = std::string(package.at("Digest").as_string());
  auto const created = serving.send(
      "POST", kFunctions,
      R"({"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Runtime":"provided","Handler":"h","Code":{"S3Bucket":"faas","S3Key":")" +
          digest + "\"}}");
  CHECK(created.status == 201);
  CHECK(object_of(created).at("CodeSha256") == package.at("CodeSha256"));
  auto const bad = serving.send("PUT", "/faas/v1/packages", "no zip");
  CHECK(bad.status == 400);
  CHECK(bad.body.find("InvalidZipFileException") != std::string::npos);
}

TEST_CASE("an update needs the revision it was made from, if it names one") {
  Serving serving;
  auto const revision = std::string(
      object_of(serving.send("POST", kFunctions, creation("f"))).at("RevisionId").as_string());
  auto configure = [&](std::string body) {
    return serving.send("PUT", "/2015-03-31/functions/f/configuration", body);
  };
  auto const changed = configure(R"({"Timeout":5,"RevisionId":")" + revision + "\"}");
  CHECK(changed.status == 200);
  CHECK(object_of(changed).at("Timeout") == 5);
  CHECK(object_of(changed).at("LastUpdateStatus") == "Successful");
  CHECK((object_of(changed).at("RevisionId").as_string() != revision));
  auto const stale = configure(R"({"Timeout":6,"RevisionId":")" + revision + "\"}");
  CHECK(stale.status == 412);
  CHECK(exception_of(stale) == "PreconditionFailedException");
  CHECK(stale.body.find("The Revision Id provided does not match the latest Revision Id.") !=
        std::string::npos);
  CHECK(configure(R"({"MemorySize":1})").status == 400);
  CHECK(object_of(configure(R"({"MemorySize":256})")).at("Timeout") == 5);
  CHECK(serving.send("PUT", "/2015-03-31/functions/none/configuration", "{}").status == 404);
}

TEST_CASE("code is replaced, or only tried") {
  Serving serving;
  auto const before = object_of(serving.send("POST", kFunctions, creation("f")));
  auto replace = [&](std::string more) {
    return serving.send(
        "PUT", "/2015-03-31/functions/f/code",
        "{\"ZipFile\":\"" + to_base64(zip_with("#!/bin/false\n")) + "\"" + more + "}");
  };
  auto const tried = object_of(replace(",\"DryRun\":true"));
  CHECK(tried.at("CodeSha256") != before.at("CodeSha256"));
  CHECK(object_of(serving.send("GET", "/2015-03-31/functions/f/configuration")).at("CodeSha256") ==
        before.at("CodeSha256"));
  auto const replaced = object_of(replace(""));
  CHECK(replaced.at("CodeSha256") == tried.at("CodeSha256"));
  CHECK(replace(",\"RevisionId\":\"old\"").status == 412);
  CHECK(serving.send("PUT", "/2015-03-31/functions/f/code", "{}").status == 400);
  CHECK(
      serving.send("PUT", "/2015-03-31/functions/f/code", R"({"ZipFile":"UEs=","S3Bucket":"faas"})")
          .body.find("other FunctionCode") != std::string::npos);
}

TEST_CASE("functions are listed by name, in pages") {
  Serving serving;
  for (auto const* name : {"b", "a", "c"}) serving.deploy_echo(name);
  auto const first = object_of(serving.send("GET", "/2015-03-31/functions?MaxItems=2"));
  CHECK(first.at("Functions").as_array().size() == 2);
  CHECK(first.at("Functions").at(0).at("FunctionName") == "a");
  CHECK_FALSE(first.at("Functions").at(0).as_object().contains("State"));
  auto const marker = fetch::percent_encoded(std::string(first.at("NextMarker").as_string()));
  auto const second = object_of(serving.send(
      "GET", "/2015-03-31/functions/?MaxItems=2&FunctionVersion=ALL&Marker=" + marker));
  CHECK(second.at("Functions").as_array().size() == 1);
  CHECK(second.at("Functions").at(0).at("FunctionArn").as_string().ends_with(":c:$LATEST"));
  CHECK_FALSE(second.contains("NextMarker"));
  for (auto const* query :
       {"?MaxItems=0", "?MaxItems=x", "?MaxItems=10001", "?Marker=%2a", "?FunctionVersion=1"}) {
    CAPTURE(query);
    CHECK(serving.send("GET", std::string(kFunctions) + query).status == 400);
  }
}

TEST_CASE("deletion is of the whole function, once") {
  Serving serving;
  serving.deploy_echo("f");
  CHECK(serving.send("DELETE", "/2015-03-31/functions/f?Qualifier=%24LATEST").status == 400);
  CHECK(serving.send("DELETE", "/2015-03-31/functions/f:7").status == 404);
  CHECK(serving.send("DELETE", "/2015-03-31/functions/f").status == 204);
  auto const again = serving.send("DELETE", "/2015-03-31/functions/f");
  CHECK(again.status == 404);
  CHECK(again.body.find("\"Message\":\"Function not found: arn:") != std::string::npos);
}

TEST_CASE("account settings count what is there") {
  Serving serving;
  serving.send("POST", kFunctions, creation("f"));
  serving.send("POST", kFunctions, creation("g"));
  auto const settings = object_of(serving.send("GET", "/2016-08-19/account-settings/"));
  CHECK(settings.at("AccountUsage").at("FunctionCount") == 2);
  CHECK(settings.at("AccountUsage").at("TotalCodeSize") == zip_with("#!/bin/sh\n").size());
  CHECK(settings.at("AccountLimit").at("CodeSizeUnzipped") == 262'144'000);
}

TEST_CASE("our own path creates and updates in one step") {
  Serving serving;
  auto const digest =
      std::string(object_of(serving.send("PUT", "/faas/v1/packages", zip_with("#!/bin/sh\n")))
                      .at("Digest")
                      .as_string());
  auto const code = R"("Code":{"S3Bucket":"faas","S3Key":")" + digest + "\"}";
  auto put = [&](std::string body) {
    return serving.send("PUT", "/faas/v1/functions/f", "{" + body + "}");
  };
  CHECK(put(code).status == 400);
  auto const created = put(code + R"(,"Runtime":"provided")");
  CHECK(created.status == 201);
  CHECK(object_of(created).at("Handler") == "bootstrap");
  auto const updated = put(R"("MemorySize":512)");
  CHECK(updated.status == 200);
  CHECK(object_of(updated).at("MemorySize") == 512);
  CHECK(object_of(updated).at("CodeSha256") == object_of(created).at("CodeSha256"));
}

TEST_CASE("a name with a version or alias neither creates nor changes the function behind it") {
  Serving serving;
  CHECK(serving.send("POST", kFunctions, creation("f:prod")).status == 400);
  CHECK(serving.send("POST", kFunctions, creation("f:$LATEST")).status == 201);
  auto const put = [&](std::string const& name) {
    return serving.send("PUT", "/faas/v1/functions/" + name, R"({"MemorySize":512})").status;
  };
  CHECK(put("f:prod") == 400);
  CHECK(put("f") == 200);
}
