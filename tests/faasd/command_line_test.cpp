// What is typed, and what becomes of it.
#include "faasd/command_line.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

using namespace faasd;

namespace {

struct Typed {
  CommandLine line;
  std::optional<int> status;
};

Typed type(std::vector<std::string> words) {
  words.insert(words.begin(), "faasd");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  Typed result;
  result.status = parse(static_cast<int>(argv.size()), argv.data(), result.line);
  return result;
}

// FAASD_URL for the time of one test.
struct Url {
  explicit Url(char const* value) { ::setenv("FAASD_URL", value, 1); }
  ~Url() { ::unsetenv("FAASD_URL"); }
};

}  // namespace

TEST_CASE("the daemon is at --url, else at FAASD_URL, else on port 9000") {
  CHECK(type({"list"}).line.url == "http://127.0.0.1:9000");
  CHECK_FALSE(type({"doctor"}).line.url_given);
  Url const url("http://127.0.0.1:9001");
  for (auto const* command : {"list", "ps", "status", "doctor"}) {
    CAPTURE(command);
    CHECK(type({command}).line.url == "http://127.0.0.1:9001");
    CHECK(type({command}).line.url_given);
    CHECK(type({command, "--url", "http://127.0.0.1:9002"}).line.url == "http://127.0.0.1:9002");
  }
  CHECK(type({"invoke", "f", "--url=http://[::1]:9"}).line.url == "http://[::1]:9");
}

TEST_CASE("an empty FAASD_URL is none") {
  Url const url("");
  CHECK(type({"list"}).line.url == "http://127.0.0.1:9000");
  CHECK_FALSE(type({"doctor"}).line.url_given);
}

TEST_CASE("what is no command, no flag or one word too many is a usage error") {
  CHECK(type({}).status == kUsage);
  CHECK(type({"frob"}).status == kUsage);
  CHECK(type({"list", "--bogus"}).status == kUsage);
  CHECK(type({"list", "extra"}).status == kUsage);
  CHECK(type({"deploy", "only-a-name"}).status == kUsage);
  CHECK(type({"--help"}).status == kOk);
  CHECK(type({"--version"}).status == kOk);
}

TEST_CASE("a number outside its range is refused where it is typed, as in the configuration file") {
  for (auto const* flag :
       {"--max-instances=0", "--max-instances=-1", "--memory=-1", "--max-connections=0",
        "--log-size=0", "--log-size=2000000", "--threads=65", "--uid-base=0", "--uid-count=0",
        "--networks=257", "--networks=-1", "--shells=65", "--shells=-1"}) {
    CAPTURE(flag);
    CHECK(type({"serve", flag}).status == kUsage);
  }
  CHECK_FALSE(type({"serve", "--queue=0", "--idle-expiry=0", "--memory=0"}).status);
  CHECK(type({"deploy", "f", "d", "--timeout=-1"}).status == kUsage);
  CHECK(type({"deploy", "f", "d", "--memory=-1"}).status == kUsage);
  CHECK(type({"deploy", "f", "d", "--capacity=0"}).status == kUsage);
  CHECK(type({"deploy", "f", "d", "--capacity=8"}).line.deploy.capacity == 8);
  CHECK(type({"logs", "f", "--tail=-1"}).status == kUsage);
}

TEST_CASE("a version or an alias is part of the name, or beside it") {
  CHECK(type({"invoke", "f:live"}).line.name == "f:live");
  auto const typed = type({"invoke", "f", "--qualifier", "2"});
  CHECK(typed.line.name == "f");
  CHECK(typed.line.qualifier == "2");
}

TEST_CASE("an alias is listed, shown, moved or deleted, and not two of these at once") {
  CHECK_FALSE(type({"alias", "f"}).status);
  CHECK(type({"alias", "f", "live"}).line.release.alias == "live");
  auto const canary = type({"alias", "f", "live", "1", "--weight", "2=10", "--description", "d"});
  CHECK(canary.line.release.version == "1");
  CHECK(canary.line.release.weights == std::vector<std::string>{"2=10"});
  CHECK(canary.line.release.description == "d");
  CHECK(type({"alias", "f", "live", "--delete"}).line.release.remove);
  CHECK(type({"alias", "f", "live", "1", "--delete"}).status == kUsage);
  CHECK(type({"alias", "f", "--delete"}).status == kUsage);
  CHECK(type({"alias", "f", "--weight", "2=10"}).status == kUsage);
}

TEST_CASE("what is provisioned is provisioned for a version or an alias") {
  auto const typed = type({"concurrency", "f", "--provision", "2", "--qualifier", "live"});
  CHECK(typed.line.release.provision == 2);
  CHECK(typed.line.qualifier == "live");
  CHECK(type({"concurrency", "f", "--provision", "2"}).status == kUsage);
  CHECK(type({"concurrency", "f", "--provision", "-1", "--qualifier", "1"}).status == kUsage);
  CHECK(type({"concurrency", "f", "--qualifier", "live"}).status == kUsage);
  CHECK(type({"concurrency", "f", "--no-wait"}).status == kUsage);
  CHECK(type({"concurrency", "f", "--reserve", "none"}).line.release.reserve == "none");
}

TEST_CASE("who may come, and how, is said with flags") {
  auto const typed = type({"serve", "--access", "/a", "--require-sign-in", "--host", "a.example",
                           "--host", "b.example", "--socket", "/s", "--tls-certificate", "/c",
                           "--tls-key", "/k", "--tls-client-ca", "/ca", "--insecure-http"});
  REQUIRE_FALSE(typed.status);
  auto const& c = typed.line.config;
  CHECK(c.access == "/a");
  CHECK(c.require_sign_in);
  CHECK(c.host == std::vector<std::string>{"a.example", "b.example"});
  CHECK(c.socket == "/s");
  CHECK(c.tls_certificate == "/c");
  CHECK(c.tls_key == "/k");
  CHECK(c.tls_client_ca == "/ca");
  CHECK(c.insecure_http);
}

TEST_CASE("a new key needs a name, and may have several grants") {
  auto const typed = type({"key", "new", "--name", "ci", "--account", "111122223333", "--allow",
                           "lambda:* on img-*", "--allow", "faas:PutPackage on *", "--sigv4"});
  REQUIRE_FALSE(typed.status);
  CHECK(typed.line.command == "key");
  CHECK(typed.line.principal.name == "ci");
  CHECK(typed.line.principal.account == "111122223333");
  CHECK(typed.line.allow == std::vector<std::string>{"lambda:* on img-*", "faas:PutPackage on *"});
  CHECK(typed.line.sigv4);
  CHECK(type({"key", "new"}).status == kUsage);
  CHECK(type({"key"}).status == kUsage);
}
