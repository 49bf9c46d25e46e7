#include "http/control.hpp"

using namespace faas;
using namespace faas::test;

TEST_CASE("a version is $LATEST as it was, for good") {
  Control control;
  control.create("f", R"(,"Timeout":7)");
  auto const published =
      control.ask("POST", "/2015-03-31/functions/f/versions", R"({"Description":"first"})");
  CHECK(published.status == 201);
  CHECK(published.string("Version") == "1");
  CHECK(published.string("FunctionArn") == std::string(kArn) + "f:1");
  CHECK(published.string("Description") == "first");
  control.ask("PUT", "/2015-03-31/functions/f/configuration", R"({"Timeout":9})");
  for (auto const* target : {"/2015-03-31/functions/f/configuration?Qualifier=1",
                             "/2015-03-31/functions/f:1/configuration"}) {
    auto const one = control.ask("GET", target);
    CHECK(one.at("Timeout") == 7);
    CHECK(one.string("FunctionArn").ends_with(":f:1"));
    CHECK(one.at("RevisionId") == published.at("RevisionId"));
  }
}

TEST_CASE("what has not changed is not published again") {
  Control control;
  control.create("f");
  CHECK(control.ask("POST", "/2015-03-31/functions/f/versions").string("Version") == "1");
  auto const again = control.ask("POST", "/2015-03-31/functions/f/versions", "{}");
  CHECK(again.status == 201);
  CHECK(again.string("Version") == "1");
  CHECK(control.publish("f") == "2");
}

TEST_CASE("a publication may say of what") {
  Control control;
  auto const made = control.create("f");
  auto const publish = [&](std::string const& body) {
    return control.ask("POST", "/2015-03-31/functions/f/versions", body);
  };
  check_refused(publish(R"({"CodeSha256":"AAAA"})"), 400, "InvalidParameterValueException",
                "CodeSHA256 (AAAA) is different from current CodeSHA256 in $LATEST");
  check_refused(publish(R"({"RevisionId":"old"})"), 412, "PreconditionFailedException",
                "does not match the latest Revision Id. Call the GetFunction/GetAlias API");
  check_refused(publish(R"({"Description":")" + std::string(257, 'x') + "\"}"), 400,
                "ValidationException", "'description'");
  check_refused(publish(R"({"PublishTo":"LATEST_PUBLISHED"})"), 400,
                "InvalidParameterValueException", "PublishTo");
  check_refused(publish(R"({"Descripton":"x"})"), 400, "InvalidParameterValueException",
                "'Descripton'");
  auto const exact = publish(
      fmt::format(R"({{"CodeSha256":"{}","RevisionId":"{}","Description":null,"PublishTo":null}})",
                  made.string("CodeSha256"), made.string("RevisionId")));
  CHECK(exact.status == 201);
  CHECK(exact.string("Version") == "1");
}

TEST_CASE("a version is published of a function alone") {
  Control control;
  control.create("f");
  control.publish("f");
  check_refused(control.ask("POST", "/2015-03-31/functions/f:1/versions"), 400,
                "InvalidParameterValueException", "permitted on Lambda functions only");
  check_refused(control.ask("POST", "/2015-03-31/functions/none/versions"), 404,
                "ResourceNotFoundException", std::string("Function not found: ") + kArn + "none");
}

TEST_CASE("versions are listed in their order, each once, in pages of every size") {
  Control control;
  control.create("f");
  std::vector<std::string> wanted{"$LATEST"};
  for (int i = 0; i < 7; ++i) wanted.push_back(control.publish("f"));
  auto const target = std::string("/2015-03-31/functions/f/versions");
  for (std::size_t most = 1; most <= 9; ++most) {
    CAPTURE(most);
    CHECK(all_pages(control, target, "Versions", "Version", most) == wanted);
  }
  check_paging(control, target, 10'000);
  check_refused(control.ask("GET", target + "?Marker=" + to_base64("abc")), 400,
                "InvalidParameterValueException", "Marker");
  check_refused(control.ask("GET", target + "?Marker=" + to_base64("99999999999999999999999999")),
                400, "InvalidParameterValueException", "Marker");
  auto const listed = control.ask("GET", target).at("Versions").as_array();
  CHECK(listed.at(1).at("FunctionArn").as_string().ends_with(":f:1"));
  CHECK_FALSE(listed.at(1).as_object().contains("State"));
}

TEST_CASE("a page goes on where it ended, though versions go and come") {
  Control control;
  control.create("f");
  for (int i = 0; i < 4; ++i) control.publish("f");
  auto const first = control.ask("GET", "/2015-03-31/functions/f/versions?MaxItems=3");
  CHECK(control.ask("DELETE", "/2015-03-31/functions/f?Qualifier=2").status == 204);
  control.publish("f");
  auto const rest = control.ask("GET", "/2015-03-31/functions/f/versions?Marker=" +
                                           fetch::percent_encoded(first.string("NextMarker")));
  std::vector<std::string> versions;
  for (auto const& version : rest.at("Versions").as_array())
    versions.emplace_back(version.at("Version").as_string());
  CHECK(versions == std::vector<std::string>{"3", "4", "5"});
}

TEST_CASE("a version that an alias points at stays; a number is not given twice") {
  Control control;
  control.create("f");
  control.publish("f");
  control.ask("POST", "/2015-03-31/functions/f/aliases",
              R"({"Name":"live","FunctionVersion":"1"})");
  check_refused(control.ask("DELETE", "/2015-03-31/functions/f?Qualifier=1"), 409,
                "ResourceConflictException", "live");
  check_refused(control.ask("DELETE", "/2015-03-31/functions/f?Qualifier=live"), 400,
                "InvalidParameterValueException", "alias");
  control.ask("DELETE", "/2015-03-31/functions/f/aliases/live");
  CHECK(control.ask("DELETE", "/2015-03-31/functions/f:1").status == 204);
  CHECK(control.ask("GET", "/2015-03-31/functions/f:1").status == 404);
  CHECK(control.ask("DELETE", "/2015-03-31/functions/f").status == 204);
  control.create("f");
  CHECK(control.publish("f") == "2");
}

TEST_CASE("Publish of a creation and of new code gives the version") {
  Control control;
  auto const created = control.create("f", R"(,"Publish":true)");
  CHECK(created.status == 201);
  CHECK(created.string("Version") == "1");
  auto const replaced = control.ask("PUT", "/2015-03-31/functions/f/code",
                                    R"({"Publish":true,"ZipFile":")" + zip_of("#!/x\n") + "\"}");
  CHECK(replaced.status == 200);
  CHECK(replaced.string("Version") == "2");
  CHECK(replaced.string("FunctionArn").ends_with(":f:2"));
}
