#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr auto kAliases = "/2015-03-31/functions/f/aliases";

// f with versions 1, 2 and 3.
void make_versions(Control& control) {
  control.create("f");
  for (int i = 0; i < 3; ++i) control.publish("f");
}

}  // namespace

TEST_CASE(
    "an alias with provisioned concurrency goes neither to $LATEST nor to a version with its own") {
  Control control;
  make_versions(control);
  auto const provisioned = [&](std::string const& qualifier) {
    return "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=" + qualifier;
  };
  control.ask("POST", kAliases, R"({"Name":"live","FunctionVersion":"1"})");
  auto const one = R"({"ProvisionedConcurrentExecutions":1})";
  REQUIRE(control.ask("PUT", provisioned("live"), one).status == 202);
  REQUIRE(control.ask("PUT", provisioned("2"), one).status == 202);
  auto const live = std::string(kAliases) + "/live";
  check_refused(control.ask("PUT", live, R"({"FunctionVersion":"$LATEST"})"), 400,
                "InvalidParameterValueException", "$LATEST cannot have");
  check_refused(control.ask("PUT", live, R"({"FunctionVersion":"2"})"), 409,
                "ResourceConflictException", "both have provisioned concurrency");
  CHECK(control.ask("PUT", live, R"({"FunctionVersion":"3"})").status == 200);
  CHECK(control.ask("DELETE", provisioned("live")).status == 204);
  CHECK(control.ask("PUT", live, R"({"FunctionVersion":"2"})").status == 200);
}

TEST_CASE("an alias is made, read, moved and removed") {
  Control control;
  make_versions(control);
  auto const made = control.ask(
      "POST", kAliases,
      R"({"Name":"live","FunctionVersion":"1","Description":"d","RoutingConfig":{"AdditionalVersionWeights":{"2":0.25}}})");
  CHECK(made.status == 201);
  CHECK(made.string("AliasArn") == std::string(kArn) + "f:live");
  CHECK(made.string("Name") == "live");
  CHECK(made.string("FunctionVersion") == "1");
  CHECK(made.string("Description") == "d");
  CHECK(made.at("RoutingConfig").at("AdditionalVersionWeights").at("2") == 0.25);
  auto const live = std::string(kAliases) + "/live";
  CHECK(control.ask("GET", live).body == made.body);

  auto const moved = control.ask("PUT", live, R"({"FunctionVersion":"3"})");
  CHECK(moved.status == 200);
  CHECK(moved.string("FunctionVersion") == "3");
  CHECK(moved.string("Description") == "d");
  CHECK(moved.has("RoutingConfig"));
  CHECK_FALSE(moved.at("RevisionId") == made.at("RevisionId"));
  CHECK_FALSE(control.ask("PUT", live, R"({"RoutingConfig":{}})").has("RoutingConfig"));
  CHECK(control.ask("PUT", live).status == 200);
  CHECK(control.ask("PUT", live, R"({"Description":null,"FunctionVersion":null})")
            .string("Description") == "d");

  auto const through = control.ask("GET", "/2015-03-31/functions/f:live");
  CHECK(through.at("Configuration").at("Version") == "3");
  CHECK(through.at("Configuration").at("FunctionArn").as_string().ends_with(":f:live"));

  CHECK(control.ask("DELETE", live).status == 204);
  CHECK(control.ask("DELETE", live).status == 204);
  check_refused(control.ask("GET", live), 404, "ResourceNotFoundException",
                std::string("Cannot find alias arn: ") + kArn + "f:live");
  check_refused(control.ask("PUT", live, "{}"), 404, "ResourceNotFoundException",
                "Cannot find alias arn: ");
}

TEST_CASE("an alias that is there, a stale revision and what is missing are told apart") {
  Control control;
  make_versions(control);
  auto const create = [&](std::string const& body) { return control.ask("POST", kAliases, body); };
  auto const made = create(R"({"Name":"live","FunctionVersion":"1"})");
  check_refused(create(R"({"Name":"live","FunctionVersion":"2"})"), 409,
                "ResourceConflictException",
                std::string("Alias already exists: ") + kArn + "f:live");
  check_refused(create(R"({"Name":"x","FunctionVersion":"9"})"), 404, "ResourceNotFoundException",
                std::string("Function not found: ") + kArn + "f:9");
  check_refused(
      create(
          R"({"Name":"x","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"8":0.5}}})"),
      404, "ResourceNotFoundException", std::string("Function not found: ") + kArn + "f:8");
  auto const live = std::string(kAliases) + "/live";
  CHECK(control
            .ask("PUT", live,
                 fmt::format(R"({{"RevisionId":"{}","FunctionVersion":"2"}})",
                             made.string("RevisionId")))
            .status == 200);
  check_refused(control.ask("PUT", live,
                            fmt::format(R"({{"RevisionId":"{}","FunctionVersion":"3"}})",
                                        made.string("RevisionId"))),
                412, "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id.");
  CHECK(control.ask("GET", live).string("FunctionVersion") == "2");
}

TEST_CASE("what an alias may be is checked before anything is looked for") {
  Control control;
  make_versions(control);
  struct Row {
    char const* body;
    char const* exception;
    char const* words;
  };
  for (
      auto const& row : {
          Row{"{}", "ValidationException", "'name'"},
          Row{R"({"Name":"x"})", "ValidationException", "Value null at 'functionVersion'"},
          Row{R"({"Name":null,"FunctionVersion":"1"})", "ValidationException", "'name'"},
          Row{R"({"Name":"12","FunctionVersion":"1"})", "ValidationException",
              "Value '12' at 'name' failed to satisfy constraint: Member must satisfy regular "
              "expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"},
          Row{R"({"Name":"a b","FunctionVersion":"1"})", "ValidationException", "'name'"},
          Row{R"({"Name":"","FunctionVersion":"1"})", "ValidationException", "'name'"},
          Row{R"({"Name":"$LATEST","FunctionVersion":"1"})", "ValidationException", "'name'"},
          Row{R"({"Name":"x","FunctionVersion":"live"})", "ValidationException",
              "'functionVersion'"},
          Row{R"({"Name":"x","FunctionVersion":1})", "SerializationException", "FunctionVersion"},
          Row{R"({"Name":"x","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":1.5}}})",
              "ValidationException", "less than or equal to 1.0"},
          Row{R"({"Name":"x","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":-0.1}}})",
              "ValidationException", "greater than or equal to 0.0"},
          Row{R"({"Name":"x","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"$LATEST":0.1}}})",
              "ValidationException", "[0-9]+"},
          Row{R"({"Name":"x","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":"0.1"}}})",
              "SerializationException", "a number"},
          Row{R"({"Name":"x","FunctionVersion":"1","RoutingConfig":{"Weights":{}}})",
              "InvalidParameterValueException", "RoutingConfig.Weights"},
          Row{R"({"Name":"x","FunctionVersion":"1","Nmae":"y"})", "InvalidParameterValueException",
              "'Nmae'"},
      }) {
    CAPTURE(row.body);
    check_refused(control.ask("POST", kAliases, row.body), 400, row.exception, row.words);
    check_refused(control.ask("POST", "/2015-03-31/functions/none/aliases", row.body), 400,
                  row.exception, row.words);
  }
  check_refused(control.ask("GET", std::string(kAliases) + "/12"), 400, "ValidationException",
                "'name'");
  CHECK(control.ask("GET", kAliases).at("Aliases").as_array().empty());
}

TEST_CASE("traffic is shared by two published versions at most") {
  Control control;
  make_versions(control);
  auto const shared = [&](std::string const& version, std::string const& weights) {
    return control.ask(
        "POST", kAliases,
        fmt::format(
            R"({{"Name":"x","FunctionVersion":"{}","RoutingConfig":{{"AdditionalVersionWeights":{{{}}}}}}})",
            version, weights));
  };
  check_refused(shared("1", R"("2":0.1,"3":0.1)"), 400, "InvalidParameterValueException",
                "cannot be greater than 1");
  check_refused(shared("1", R"("1":0.1)"), 400, "InvalidParameterValueException",
                "Invalid function version 1. Function version 1 is already included");
  check_refused(shared("$LATEST", R"("1":0.1)"), 400, "InvalidParameterValueException",
                "$LATEST is not supported for an alias pointing to more than 1 version");
  CHECK(shared("1", R"("2":1)").status == 201);
}

TEST_CASE("an alias is one of a function alone, whoever names it") {
  Control control;
  make_versions(control);
  auto const arn = fetch::percent_encoded(std::string(kArn) + "f");
  auto const body = [](std::string const& name) {
    return fmt::format(R"({{"Name":"{}","FunctionVersion":"1"}})", name);
  };
  CHECK(control.ask("POST", fmt::format("{}/{}/aliases", kFunctions, arn), body("a")).status ==
        201);
  CHECK(control
            .ask("POST", fmt::format("{}/000000000000%3Afunction%3Af/aliases/", kFunctions),
                 body("b"))
            .status == 201);
  check_refused(control.ask("POST", "/2015-03-31/functions/f:1/aliases", body("c")), 400,
                "InvalidParameterValueException", "permitted on Lambda functions only");
  check_refused(control.ask("GET",
                            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3A"
                            "function%3Af/aliases"),
                404, "ResourceNotFoundException", "not reachable in this region");
}

TEST_CASE("aliases are listed by name, of one version or of all") {
  Control control;
  make_versions(control);
  for (auto const* name : {"c", "a", "e", "b", "d"})
    control.ask("POST", kAliases, fmt::format(R"({{"Name":"{}","FunctionVersion":"1"}})", name));
  control.ask("PUT", std::string(kAliases) + "/b", R"({"FunctionVersion":"2"})");
  for (std::size_t most = 1; most <= 6; ++most) {
    CAPTURE(most);
    CHECK(all_pages(control, kAliases, "Aliases", "Name", most) ==
          std::vector<std::string>{"a", "b", "c", "d", "e"});
    CHECK(all_pages(control, std::string(kAliases) + "?FunctionVersion=1", "Aliases", "Name",
                    most) == std::vector<std::string>{"a", "c", "d", "e"});
  }
  check_paging(control, kAliases, 10'000);
  check_refused(control.ask("GET", std::string(kAliases) + "?FunctionVersion=live"), 400,
                "ValidationException", "'functionVersion'");
  CHECK(control.ask("GET", "/2015-03-31/functions/none/aliases").status == 404);
}
