// The layer operations over a real runtime, and functions that have layers.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <fstream>

#include "base/text.hpp"
#include "http/serving.hpp"
#include "support/interpreters.hpp"
#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;
namespace json = boost::json;

namespace {

constexpr auto kLayers = "/2018-10-31/layers";
constexpr auto kFunctions = "/2015-03-31/functions";

std::string zip_of(std::string const& name, std::string const& text) {
  TempDir directory;
  directory.write(name, text);
  return pack(directory.path()).value();
}

std::string path(std::string const& layer, std::string const& version = "") {
  return fmt::format("{}/{}/versions{}{}", kLayers, layer, version.empty() ? "" : "/", version);
}

std::string arn(std::string const& layer, int version) {
  return fmt::format("arn:aws:lambda:us-east-1:000000000000:layer:{}:{}", layer, version);
}

std::string content(std::string const& zip, std::string const& more = "") {
  return fmt::format(R"({{"Content":{{"ZipFile":"{}"}}{}}})", to_base64(zip), more);
}

json::object object_of(fetch::Response const& response) {
  return json::parse(response.body).as_object();
}
std::string exception_of(fetch::Response const& response) {
  return std::string(response.header("x-amzn-ErrorType"));
}

struct Shop : Serving {
  using Serving::Serving;
  // Of a layer whose one file is /opt/x with this text.
  json::object publish(std::string const& layer, std::string const& text,
                       std::string const& more = "") {
    auto const response = send("POST", path(layer), content(zip_of("x", text), more));
    REQUIRE_MESSAGE(response.status == 201, response.body);
    return object_of(response);
  }
  fetch::Response create(std::string const& name, std::string const& layers) {
    auto const code =
        zip_of("app.py", "def handler(event, context):\n    return open('/opt/x').read()\n");
    return send("POST", kFunctions,
                fmt::format(R"({{"FunctionName":"{}","Runtime":"{}","Handler":"app.handler",
                            "Role":"arn:aws:iam::000000000000:role/r","Layers":{},
                            "Code":{{"ZipFile":"{}"}}}})",
                            name, python_runtime(), layers, to_base64(code)));
  }
  fetch::Response configure(std::string const& name, std::string const& layers) {
    return send("PUT", fmt::format("{}/{}/configuration", kFunctions, name),
                fmt::format(R"({{"Layers":{}}})", layers));
  }
  std::string seen(std::string const& name) { return send("POST", "/function/" + name, "1").body; }
};

std::string list(std::vector<std::string> const& arns) {
  json::array out;
  for (auto const& one : arns) out.emplace_back(one);
  return json::serialize(out);
}

}  // namespace

TEST_CASE("a layer version is published, and read by number and by ARN") {
  Shop shop;
  auto const published = shop.publish(
      "libs", "one",
      R"(,"Description":"d","LicenseInfo":"MIT","CompatibleRuntimes":["python3.11","provided"],"CompatibleArchitectures":["x86_64"])");
  CHECK(published.at("Version") == 1);
  CHECK(published.at("LayerArn") == "arn:aws:lambda:us-east-1:000000000000:layer:libs");
  CHECK(published.at("LayerVersionArn") == json::value(arn("libs", 1)));
  CHECK(published.at("Description") == "d");
  CHECK(published.at("LicenseInfo") == "MIT");
  CHECK(published.at("CompatibleRuntimes") == json::array({"python3.11", "provided"}));
  CHECK(published.at("CompatibleArchitectures") == json::array({"x86_64"}));
  CHECK(published.at("CreatedDate").as_string().ends_with("+0000"));
  auto const content = published.at("Content").as_object();
  CHECK(content.at("CodeSize") == zip_of("x", "one").size());
  CHECK(content.at("CodeSha256").as_string().size() == 44);

  CHECK(object_of(shop.send("GET", path("libs", "1"))) == published);
  CHECK(object_of(shop.send("GET", fmt::format("{}?find=LayerVersion&Arn={}", kLayers,
                                               arn("libs", 1)))) == published);
  CHECK(object_of(shop.send(
            "GET", path("arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Alayer%3Alibs", "1"))) ==
        published);
  auto const url = fetch::parse_url(std::string(content.at("Location").as_string())).value();
  CHECK(shop.send("GET", url.target).body == zip_of("x", "one"));
}

TEST_CASE("what is not given is not given back") {
  Shop shop;
  auto const published = shop.publish("libs", "one");
  CHECK(published.at("Description") == "");
  for (auto const* member : {"LicenseInfo", "CompatibleRuntimes", "CompatibleArchitectures"})
    CHECK_FALSE(published.contains(member));
}

TEST_CASE("a layer's content may be a package that was put before") {
  Shop shop;
  auto const digest =
      std::string(object_of(shop.send("PUT", "/faas/v1/packages", zip_of("x", "one")))
                      .at("Digest")
                      .as_string());
  auto const body = fmt::format(R"({{"Content":{{"S3Bucket":"faas","S3Key":"{}"}}}})", digest);
  CHECK(shop.send("POST", path("libs"), body).status == 201);
  auto const unknown =
      fmt::format(R"({{"Content":{{"S3Bucket":"faas","S3Key":"{}"}}}})", std::string(64, '0'));
  CHECK(shop.send("POST", path("libs"), unknown).body.find("NoSuchKey") != std::string::npos);
}

TEST_CASE("a publication that is not whole leaves no version") {
  Shop shop;
  auto const refused = [&](std::string const& layer, std::string const& body) {
    auto const response = shop.send("POST", path(layer), body);
    CHECK(response.status == 400);
    return exception_of(response) + " " + response.body;
  };
  auto const zip = zip_of("x", "one");
  CHECK(refused("libs", "{}").find("'content'") != std::string::npos);
  CHECK(refused("libs", R"({"Content":{}})").find("source for layer content") != std::string::npos);
  CHECK(refused("libs", R"({"Content":{"ZipFile":"UEs="}})").find("Could not unzip") !=
        std::string::npos);
  CHECK(refused("a%20b", content(zip)).starts_with("ValidationException"));
  CHECK(refused(std::string(65, 'x'), content(zip)).starts_with("ValidationException"));
  CHECK(refused("libs", content(zip, R"(,"CompatibleRuntimes":["cobol"])")).find("cobol") !=
        std::string::npos);
  CHECK(refused("libs", content(zip, R"(,"CompatibleRuntimes":[7])")).find("compatibleRuntimes") !=
        std::string::npos);
  CHECK(refused("libs", content(zip, R"(,"CompatibleArchitectures":["mips"])")).find("mips") !=
        std::string::npos);
  CHECK(refused("libs", content(zip, fmt::format(R"(,"LicenseInfo":"{}")", std::string(513, 'x'))))
            .find("licenseInfo") != std::string::npos);
  CHECK(refused("libs", content(zip, R"(,"Unknown":1)")).find("Unknown") != std::string::npos);
  CHECK(shop.runtime().layers(kDefaultAccount, "", 10).empty());
  CHECK(shop.publish("libs", "one").at("Version") == 1);
}

TEST_CASE("a version that is not there is not found, and its removal is no error") {
  Shop shop;
  shop.publish("libs", "one");
  for (auto const& target : {path("libs", "2"), path("other", "1"),
                             fmt::format("{}?find=LayerVersion&Arn={}", kLayers, arn("libs", 2)),
                             fmt::format("{}?find=LayerVersion&Arn={}", kLayers,
                                         "arn:aws:lambda:eu-west-1:000000000000:layer:libs:1")}) {
    CAPTURE(target);
    auto const response = shop.send("GET", target);
    CHECK(response.status == 404);
    CHECK(exception_of(response) == "ResourceNotFoundException");
  }
  CHECK(shop.send("GET", path("libs", "0")).status == 400);
  CHECK(shop.send("GET", path("libs", "x")).status == 400);
  CHECK(shop.send("GET", fmt::format("{}?find=LayerVersion&Arn=x", kLayers)).status == 400);
  CHECK(shop.send("GET", fmt::format("{}?find=LayerVersion", kLayers)).status == 400);
  CHECK(shop.send("GET", fmt::format("{}?find=All&Arn={}", kLayers, arn("libs", 1))).status == 400);
  CHECK(shop.send("GET", path("libs", "1") + "/policy").status == 404);

  CHECK(shop.send("DELETE", path("libs", "7")).status == 204);
  CHECK(shop.send("DELETE", path("other", "1")).status == 204);
  CHECK(shop.send("DELETE", path("libs", "0")).status == 400);
  CHECK(shop.send("DELETE", path("libs", "1")).status == 204);
  CHECK(shop.send("GET", path("libs", "1")).status == 404);
  CHECK(shop.publish("libs", "one").at("Version") == 2);
}

TEST_CASE("layers and versions are listed page by page, and by what they are meant for") {
  Shop shop;
  for (auto const* name : {"a", "b", "c"}) shop.publish(name, name);
  shop.publish("b", "2", R"(,"CompatibleRuntimes":["python3.11"])");
  shop.publish("b", "3");
  auto const names = [&](std::string const& query) {
    std::string out;
    std::string marker;
    do {
      auto const page = object_of(shop.send("GET", fmt::format("{}?{}{}", kLayers, query, marker)));
      for (auto const& one : page.at("Layers").as_array()) {
        out += fmt::format("{}:{} ", std::string_view(one.at("LayerName").as_string()),
                           one.at("LatestMatchingVersion").at("Version").to_number<int>());
      }
      auto const* next = page.if_contains("NextMarker");
      marker = next == nullptr ? "" : "&Marker=" + std::string(next->as_string());
      out += marker.empty() ? "" : "| ";
    } while (!marker.empty());
    return out;
  };
  CHECK(names("") == "a:1 b:3 c:1 ");
  CHECK(names("MaxItems=2") == "a:1 b:3 | c:1 ");
  CHECK(names("CompatibleRuntime=python3.11") == "b:2 ");
  CHECK(names("CompatibleArchitecture=arm64").empty());
  auto const versions = [&](std::string const& query) {
    std::string out;
    auto const page = object_of(shop.send("GET", path("b") + "?" + query));
    for (auto const& one : page.at("LayerVersions").as_array())
      out += fmt::format("{} ", one.at("Version").to_number<int>());
    auto const* next = page.if_contains("NextMarker");
    return next == nullptr ? out : out + std::string(next->as_string());
  };
  CHECK(versions("") == "3 2 1 ");
  CHECK(versions("MaxItems=2") == "3 2 " + to_base64("2"));
  CHECK(versions("MaxItems=2&Marker=" + to_base64("2").substr(0, 2) + "%3D%3D") == "1 ");
  CHECK(versions("CompatibleRuntime=python3.11") == "2 ");
  CHECK(object_of(shop.send("GET", path("nobody"))).at("LayerVersions").as_array().empty());
  for (auto const* query : {"MaxItems=0", "MaxItems=51", "MaxItems=x", "Marker=%25",
                            "CompatibleRuntime=cobol", "CompatibleArchitecture=mips"}) {
    CAPTURE(query);
    CHECK(shop.send("GET", fmt::format("{}?{}", kLayers, query)).status == 400);
    CHECK(shop.send("GET", path("b") + "?" + query).status == 400);
  }
}

TEST_CASE("a function shows its layers as they were named, and its calls see them in their order") {
  Shop shop;
  shop.publish("a", "a");
  shop.publish("b", "b");
  auto const created = shop.create("f", list({arn("a", 1), arn("b", 1)}));
  CHECK(created.status == 201);
  auto const shown = object_of(created).at("Layers").as_array();
  REQUIRE(shown.size() == 2);
  CHECK(shown[0].at("Arn") == json::value(arn("a", 1)));
  CHECK(shown[0].at("CodeSize") == zip_of("x", "a").size());
  CHECK(shop.seen("f") == R"("b")");
  // What an update does not mention stays.
  CHECK(
      shop.send("PUT", fmt::format("{}/f/configuration", kFunctions), R"({"Timeout":9})").status ==
      200);
  CHECK(shop.seen("f") == R"("b")");
  auto const swapped = shop.configure("f", list({arn("b", 1), arn("a", 1)}));
  CHECK(swapped.status == 200);
  CHECK(object_of(swapped).at("Layers").at(0).at("Arn") == json::value(arn("b", 1)));
  CHECK(shop.seen("f") == R"("a")");
  CHECK_FALSE(object_of(shop.configure("f", "[]")).contains("Layers"));
  CHECK(shop.seen("f").find("FileNotFoundError") != std::string::npos);
}

TEST_CASE("a removed version stays with the functions that have it, and is given to no other") {
  Shop shop;
  shop.publish("a", "a");
  CHECK(shop.create("f", list({arn("a", 1)})).status == 201);
  CHECK(shop.send("DELETE", path("a", "1")).status == 204);
  CHECK(shop.seen("f") == R"("a")");
  CHECK(object_of(shop.send("GET", fmt::format("{}/f/configuration", kFunctions)))
            .at("Layers")
            .at(0)
            .at("Arn") == json::value(arn("a", 1)));
  for (auto const& refused :
       {shop.create("g", list({arn("a", 1)})), shop.configure("f", list({arn("a", 1)}))}) {
    CHECK(refused.status == 400);
    CHECK(exception_of(refused) == "InvalidParameterValueException");
    CHECK(refused.body.find("Layer version " + arn("a", 1) + " does not exist.") !=
          std::string::npos);
  }
  CHECK(shop.runtime().list().size() == 1);
}

TEST_CASE("layers that cannot be had together, or at all, are refused in Lambda's words") {
  Shop shop;
  for (auto const* name : {"a", "b", "c", "d", "e", "f"}) shop.publish(name, name);
  shop.publish("a", "again");
  auto const refused = [&](std::string const& layers) {
    auto const response = shop.create("g", layers);
    CHECK(response.status == 400);
    return exception_of(response) + " " + response.body;
  };
  auto const two = refused(list({arn("a", 1), arn("b", 1), arn("a", 2)}));
  CHECK(two.find("Two different versions of the same layer") != std::string::npos);
  CHECK(two.find(arn("a", 2)) != std::string::npos);
  CHECK(refused(list({arn("a", 1), arn("a", 1)})).find("Two different versions") !=
        std::string::npos);
  CHECK(
      refused(list({arn("a", 1), arn("b", 1), arn("c", 1), arn("d", 1), arn("e", 1), arn("f", 1)}))
          .find("Cannot reference more than 5 layers.") != std::string::npos);
  CHECK(refused(list({"arn:aws:lambda:eu-west-1:000000000000:layer:a:1"}))
            .find("expected to be in region us-east-1") != std::string::npos);
  CHECK(refused(list({"arn:aws:lambda:us-east-1:123456789012:layer:a:1"})).find("does not exist") !=
        std::string::npos);
  CHECK(refused(list({"arn:aws:lambda:us-east-1:000000000000:layer:a"}))
            .starts_with("ValidationException"));
  CHECK(refused("[7]").starts_with("ValidationException"));
  CHECK(refused(R"("a")").find("must be an array") != std::string::npos);
  CHECK(shop.create("g", list({arn("a", 1), arn("b", 1), arn("c", 1), arn("d", 1), arn("e", 1)}))
            .status == 201);
}

TEST_CASE("code and layers beyond the limit of what is unpacked are refused in Lambda's words") {
  Options options;
  options.packages.unpacked = Bytes{3000};
  Shop shop({}, options);
  shop.publish("a", std::string(2000, 'x'));
  shop.publish("b", std::string(999, 'x'));
  auto const refused = shop.create("f", list({arn("a", 1), arn("b", 1)}));
  CHECK(refused.status == 400);
  CHECK(exception_of(refused) == "InvalidParameterValueException");
  CHECK(refused.body.find("Unzipped size must be smaller than 3000 bytes") != std::string::npos);
  CHECK(shop.create("f", list({arn("a", 1)})).status == 201);
  CHECK(shop.configure("f", list({arn("a", 1), arn("b", 1)})).status == 400);
  CHECK(shop.seen("f").size() == 2002);
}
