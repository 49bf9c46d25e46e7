#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <faas/control.hpp>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using faas::test::TempDir;

namespace {

std::string fault(std::string_view text) {
  auto const access = read_access(text, "access.json");
  return access ? "none" : access.error().message;
}

// One principal with one more member.
std::string with(std::string const& member) {
  return fault("{\"Principals\": [\n{\"Name\": \"a\"},\n{\"Name\": \"b\",\n" + member + "}]}");
}

bool has(std::string const& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("an access file says all that a principal has") {
  auto const hash = std::string(64, 'a'), print = std::string(64, 'b');
  auto const access = read_access(
      R"({"Principals":[{"Name":"ci","Account":"111122223333","AccessKeyId":"AK","SecretAccessKey":"s",
          "ApiKeySha256":")" +
          hash + R"(","CertificateSha256":")" + print + R"(","Uid":1000,
          "Allow":[{"Functions":["img-*","resize"],"Actions":["lambda:*"]},
                   {"Functions":["*"],"Actions":["faas:PutPackage"]}]},
         {"Name":"root","Account":"*","Uid":0}]})",
      "access.json");
  REQUIRE(access);
  REQUIRE(access->principals.size() == 2);
  auto const& p = access->principals[0];
  CHECK(p.name == "ci");
  CHECK(p.account == "111122223333");
  CHECK(p.access_key_id == "AK");
  CHECK(p.secret_access_key == "s");
  CHECK(p.api_key_sha256 == hash);
  CHECK(p.certificate_sha256 == print);
  CHECK(p.uid == 1000u);
  REQUIRE(p.allow.size() == 2);
  CHECK(p.allow[0].functions == std::vector<std::string>{"img-*", "resize"});
  CHECK(p.allow[0].actions == std::vector<std::string>{"lambda:*"});
  CHECK(access->principals[1].account == kAnyAccount);
  CHECK(access->principals[1].uid == 0u);
  CHECK(access->principals[1].allow.empty());
  CHECK(read_access(R"({"Principals":[]})", "f"));
}

TEST_CASE("a mistake in an access file is named with its line") {
  CHECK(with("\"Account\": \"111122223333\"") == "none");
  CHECK(with("\"Acount\": \"111122223333\"")
            .starts_with("access.json:4: unknown key 'Acount'; the "
                         "keys are: Name, Account, "));
  CHECK(with("\"Account\": []") == "access.json:4: 'Account' must be a string");
  CHECK(with("\"Account\": \"1\"").starts_with("access.json:3: principal 'b': Account must"));
  CHECK(with("\"Uid\": -1").starts_with("access.json:4: 'Uid' must"));
  CHECK(with("\"Uid\": 4294967295").starts_with("access.json:4: 'Uid' must"));
  CHECK(with("\"Uid\": 1.5").starts_with("access.json:4: 'Uid' must"));
  CHECK(with("\"Allow\": {}").starts_with("access.json:4: 'Allow' must"));
  CHECK(with("\"Allow\": [1]").starts_with("access.json:4: 'Allow' must"));
  CHECK(with("\"Allow\": [{}]").starts_with("access.json:4: each of 'Allow' must"));
  CHECK(with("\"Allow\": [{\"Functions\": [\"*\"],\n\"Action\": [\"*\"]}]")
            .starts_with("access.json:5: unknown key 'Action' in 'Allow'"));
  CHECK(with("\"Allow\": [{\"Functions\": \"*\", \"Actions\": [\"*\"]}]")
            .starts_with("access.json:4: 'Functions' must be a list"));
  CHECK(
      with("\"Allow\": [{\"Functions\": [\"*\"], \"Actions\": [\"*\"],\n\"Actions\": [\"x\"]}]") ==
      "access.json:5: the key 'Actions' is there twice");
  CHECK(with("\"Name\": \"c\"") == "access.json:4: the key 'Name' is there twice");
  CHECK(has(fault("{\"Principals\": [\n{\"Name\": \"a\"},\n{\"Name\": \"a\"}]}"),
            "access.json:3: principal 'a': another principal has the same Name"));
  CHECK(
      fault("{\"Principals\": [],\n \"Principal\": []}").starts_with("access.json:2: unknown key"));
  CHECK(fault("{\"Principals\": [],\n \"Principals\": []}").starts_with("access.json:2: the key"));
  CHECK(has(fault("{}"), "'Principals' must be there"));
  CHECK(has(fault("{\"Principals\": {}}"), "'Principals' must be there"));
  CHECK(has(fault("{\"Principals\": [1]}"), "'Principals' must be a list of objects"));
  CHECK(has(fault("[]"), "one object"));
  CHECK(fault("{\n\"a\" 1}").starts_with("access.json:2: "));
}

TEST_CASE("an access file that others may read or change is refused") {
  TempDir directory;
  std::string const path = directory / "access.json";
  directory.write("access.json", R"({"Principals":[]})");
  for (mode_t const mode : {0640, 0604, 0620, 0602, 0610}) {
    CAPTURE(mode);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    auto const access = read_access_file(path);
    REQUIRE_FALSE(access);
    CHECK(access.error().code == Errc::denied);
    CHECK(access.error().message.ends_with("Type: chmod 600 " + path));
  }
  for (mode_t const mode : {0600, 0400}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK(read_access_file(path));
  }
  CHECK(read_access_file(directory / "none").error().code == Errc::not_found);
  CHECK(read_access_file(directory.path()).error().code != Errc::not_found);
}

TEST_CASE("a grant is typed in words") {
  auto const grant = parse_grant("lambda:InvokeFunction,lambda:Get* on img-*,resize");
  REQUIRE(grant);
  CHECK(grant->actions == std::vector<std::string>{"lambda:InvokeFunction", "lambda:Get*"});
  CHECK(grant->functions == std::vector<std::string>{"img-*", "resize"});
  CHECK(parse_grant("* on *"));
  CHECK_FALSE(parse_grant("lambda:*"));
  CHECK_FALSE(parse_grant("lambda:* in *"));
}

TEST_CASE("a new key fits its entry, and no two are the same") {
  Principal p;
  p.name = "ci";
  p.allow = {parse_grant("lambda:* on img-*").value()};
  auto const api = new_key(p, KeyKind::api_key);
  auto const pair = new_key(p, KeyKind::sigv4);
  REQUIRE(api);
  REQUIRE(pair);
  CHECK(new_key(p, KeyKind::api_key)->for_client != api->for_client);
  CHECK(api->for_client.size() == 5 + 64);
  CHECK_FALSE(has(api->entry, api->for_client));
  auto const read = [](NewKey const& key) {
    return read_access("{\"Principals\":[" + key.entry + "]}", "entry").value().principals.at(0);
  };
  CHECK(read(*api).api_key_sha256.size() == 64);
  CHECK(read(*api).allow.at(0).functions == std::vector<std::string>{"img-*"});
  CHECK(read(*api).access_key_id.empty());
  CHECK(pair->for_client == "AWS_ACCESS_KEY_ID=" + read(*pair).access_key_id +
                                "\nAWS_SECRET_ACCESS_KEY=" + read(*pair).secret_access_key);
  CHECK(read(*pair).secret_access_key.size() == 64);
  p.account = "12";
  CHECK(new_key(p, KeyKind::api_key).error().code == Errc::invalid_argument);
}
