// Sign-in over the wire: who is let in by which door, and what the others are told.
#include <doctest/doctest.h>
#include <fmt/chrono.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/hashes.hpp"
#include "http/serving.hpp"
#include "http/signed_request.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::test;

namespace {

std::string const kApiKey = "faas_0123456789";

std::string now_text(std::chrono::seconds off = {}) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::now() + off));
}

Access access() {
  Principal caller, other, root;
  caller.name = "caller";
  caller.account = "111122223333";
  caller.access_key_id = "AKIA1";
  caller.secret_access_key = "secret1";
  caller.api_key_sha256 = http::sha256_hex(kApiKey);
  caller.allow = {{{"hello", "img-*"}, {"lambda:InvokeFunction", "lambda:CreateFunction"}}};
  other.name = "other";
  other.account = "444455556666";
  other.access_key_id = "AKIA2";
  other.secret_access_key = "secret2";
  other.allow = {{{"*"}, {"*"}}};
  root.name = "root";
  root.account = kAnyAccount;
  root.access_key_id = "AKIA3";
  root.secret_access_key = "secret3";
  root.allow = {{{"*"}, {"*"}}};
  return {{caller, other, root}};
}

HttpServerOptions strict() {
  HttpServerOptions options;
  options.access = access();
  options.require_sign_in = true;
  return options;
}

void deploy_hello(Serving& serving, std::string account) {
  Function function;
  function.name = FunctionName(account, "hello");
  HostCallable const callable = [account](HostCall) -> asio::awaitable<std::string> {
    co_return "\"" + account + "\"";
  };
  REQUIRE(serving.wait(serving.runtime().deploy(std::move(function), callable)));
}

fetch::Response send(Serving& serving, SignedRequest request) {
  // The client sends its own, the same.
  std::erase_if(request.headers, [](auto const& h) { return h.first == "Host"; });
  return serving.send(request.method, request.path, request.body, request.headers);
}

// Signed for the server's own name.
SignedRequest signed_now(Serving& serving, std::string const& key, std::string const& secret,
                         std::string const& path = "/2015-03-31/functions/hello/invocations",
                         std::chrono::seconds off = {}) {
  auto request = lambda_request(key, secret, now_text(off));
  request.path = path;
  request.header("Host") = serving.server().address();
  request.sign(secret);
  return request;
}

std::string error_of(fetch::Response const& response) {
  return std::string(response.header("x-amzn-ErrorType"));
}

constexpr auto kInvoke = "/2015-03-31/functions/hello/invocations";

}  // namespace

TEST_CASE("where sign-in is required nothing but health is answered without it") {
  Serving serving(strict());
  deploy_hello(serving, "111122223333");
  CHECK(serving.send("GET", "/healthz").status == 200);
  CHECK(serving.send("GET", "/readyz").status == 200);
  for (auto const* path : {"/2015-03-31/functions", "/2015-03-31/functions/hello",
                           "/2016-08-19/account-settings", "/2015-03-31/no/such"}) {
    CAPTURE(path);
    auto const response = serving.send("GET", path);
    CHECK(response.status == 403);
    CHECK(error_of(response) == "MissingAuthenticationTokenException");
  }
  for (auto const* path : {"/metrics", "/faas/v1/status", "/faas/v1/doctor", "/faas/v1/instances",
                           "/faas/v1/functions/hello/logs", "/faas/v1/packages/x", "/none"}) {
    CAPTURE(path);
    auto const response = serving.send("GET", path);
    CHECK(response.status == 401);
    CHECK(response.header("WWW-Authenticate") == "Bearer");
    CHECK(response.body.find("Sign in: ") != std::string::npos);
  }
  CHECK(serving.send("POST", "/function/hello", "{}").status == 401);
}

TEST_CASE("who is not let in is not read: a large body, 100-continue") {
  Serving serving(strict());
  Wire wire(serving);
  wire.write(
      "PUT /faas/v1/packages HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 50000000\r\n\r\n");
  CHECK(wire.read_until("\r\n\r\n").starts_with("HTTP/1.1 401 "));
}

TEST_CASE("a signed call acts in its principal's account") {
  Serving serving(strict());
  deploy_hello(serving, "111122223333");
  deploy_hello(serving, "444455556666");
  deploy_hello(serving, "000000000000");
  CHECK(send(serving, signed_now(serving, "AKIA1", "secret1")).body == "\"111122223333\"");
  CHECK(send(serving, signed_now(serving, "AKIA2", "secret2")).body == "\"444455556666\"");
  CHECK(send(serving, signed_now(serving, "AKIA3", "secret3")).body == "\"000000000000\"");
  std::string const path = "/2015-03-31/functions/444455556666%3Afunction%3Ahello/invocations";
  CHECK(send(serving, signed_now(serving, "AKIA3", "secret3", path)).body == "\"444455556666\"");
  auto const denied = send(serving, signed_now(serving, "AKIA1", "secret1", path));
  CHECK(denied.status == 403);
  CHECK(error_of(denied) == "AccessDeniedException");
}

TEST_CASE("every wrong signature is refused in AWS's words, and nothing runs") {
  Serving serving(strict());
  int ran = 0;
  Function function;
  function.name = FunctionName("111122223333", "hello");
  HostCallable const count = [&](HostCall) -> asio::awaitable<std::string> {
    ++ran;
    co_return "{}";
  };
  REQUIRE(serving.wait(serving.runtime().deploy(std::move(function), count)));
  auto const told = [&](SignedRequest const& request) {
    auto const response = send(serving, request);
    CHECK(response.status == 403);
    return error_of(response);
  };
  auto const good = signed_now(serving, "AKIA1", "secret1");
  auto body = good, header = good, path = good, twice = good;
  body.body = R"({"a":2})";
  header.header("X-Amz-Log-Type") = "None";
  path.path += "?Qualifier=2";
  twice.headers.emplace_back("X-Amz-Tenant-Id", "t");
  CHECK(told(body) == "InvalidSignatureException");
  CHECK(told(header) == "InvalidSignatureException");
  CHECK(told(path) == "InvalidSignatureException");
  CHECK(told(twice) == "InvalidSignatureException");
  CHECK(told(signed_now(serving, "AKIA1", "secret2")) == "InvalidSignatureException");
  CHECK(told(signed_now(serving, "AKIA9", "secret1")) == "UnrecognizedClientException");
  for (auto const off : {-360, 360}) {
    CHECK(told(signed_now(serving, "AKIA1", "secret1", kInvoke, std::chrono::seconds(off))) ==
          "InvalidSignatureException");
  }
  auto half = good;
  half.header("Authorization") = "AWS4-HMAC-SHA256 Credential=x";
  CHECK(told(half) == "IncompleteSignatureException");
  CHECK(ran == 0);
  CHECK(send(serving, good).status == 200);
  CHECK(ran == 1);
}

TEST_CASE("what no grant allows is denied before it is looked at") {
  Serving serving(strict());
  deploy_hello(serving, "111122223333");
  auto const get = [&](std::string const& path) {
    auto request = signed_now(serving, "AKIA1", "secret1", path);
    request.method = "GET";
    request.body.clear();
    request.sign("secret1");
    return send(serving, request);
  };
  for (auto const* path : {"/2015-03-31/functions/hello", "/2015-03-31/functions/none",
                           "/2015-03-31/functions", "/2016-08-19/account-settings"}) {
    CAPTURE(path);
    auto const response = get(path);
    CHECK(response.status == 403);
    CHECK(error_of(response) == "AccessDeniedException");
    CHECK(response.body.find("user/caller is not authorized to perform: lambda:") !=
          std::string::npos);
  }
  CHECK(get("/metrics").status == 403);
  CHECK(error_of(get("/2015-03-31/no/such")) == "UnknownOperationException");
  auto const create = [&](std::string const& name) {
    auto request = signed_now(serving, "AKIA1", "secret1", "/2015-03-31/functions");
    request.body = R"({"FunctionName":")" + name + R"("})";
    request.sign("secret1");
    return error_of(send(serving, request));
  };
  CHECK(create("other") == "AccessDeniedException");
  CHECK(create("img-1") == "InvalidParameterValueException");  // allowed, but it brings no code
}

TEST_CASE("another account's functions are neither listed, found nor read, nor are their logs") {
  Serving serving(strict());
  deploy_hello(serving, "111122223333");
  auto const get = [&](std::string const& key, std::string const& secret, std::string const& path) {
    auto request = signed_now(serving, key, secret, path);
    request.method = "GET";
    request.body.clear();
    request.sign(secret);
    return send(serving, request);
  };
  auto const other = [&](std::string const& path) { return get("AKIA2", "secret2", path); };
  CHECK(other("/2015-03-31/functions").body == R"({"Functions":[]})");
  CHECK(other("/2015-03-31/functions/hello").status == 404);
  CHECK(other("/faas/v1/functions/hello/logs").status == 404);
  CHECK(other("/2015-03-31/functions/111122223333%3Afunction%3Ahello").status == 403);
  CHECK(other("/2015-03-31/functions/111122223333%3Afunction%3Anone").status == 403);
  CHECK(other("/2016-08-19/account-settings").body.find("\"FunctionCount\":0") !=
        std::string::npos);
  CHECK(get("AKIA3", "secret3", "/2015-03-31/functions/111122223333%3Afunction%3Ahello").status ==
        200);
  deploy_hello(serving, "444455556666");
  CHECK(other("/2015-03-31/functions/hello").status == 200);
}

TEST_CASE("another account's layers are neither listed, found nor read, nor removed") {
  Serving serving(strict());
  TempDir files;
  files.write("x", "1");
  Layer layer;
  layer.name = {"111122223333", "mine"};
  layer.code = serving.wait(serving.runtime().store(files.path())).value().digest;
  REQUIRE(serving.wait(serving.runtime().publish_layer(layer)).has_value());
  auto const ask = [&](std::string const& key, std::string const& secret, std::string const& method,
                       std::string const& path) {
    auto request = signed_now(serving, key, secret, path);
    request.method = method;
    request.body.clear();
    request.sign(secret);
    return send(serving, request).status;
  };
  std::string const layers = "/2018-10-31/layers";
  auto const mine = layers + "/mine";
  auto const arn =
      layers + "/arn%3Aaws%3Alambda%3Aus-east-1%3A111122223333%3Alayer%3Amine/versions";
  CHECK(ask("AKIA2", "secret2", "GET", mine + "/versions/1") == 404);
  for (auto const* key : {"AKIA1", "AKIA2"}) {
    auto const secret = std::string("secret") + key[4];
    for (auto const& path : {arn, arn + "/1"}) {
      CAPTURE(path);
      CHECK(ask(key, secret, "GET", path) == 403);
    }
    CHECK(ask(key, secret, "DELETE", arn + "/1") == 403);
  }
  CHECK(ask("AKIA3", "secret3", "GET", arn + "/1") == 200);
  CHECK(serving.runtime().layer(layer.name, 1).has_value());
}

TEST_CASE("an API key calls functions, in either header") {
  Serving serving(strict());
  deploy_hello(serving, "111122223333");
  auto const call = [&](std::string name, std::string value) {
    return serving.send("POST", "/function/hello", "{}", {{std::move(name), std::move(value)}});
  };
  CHECK(call("Authorization", "Bearer " + kApiKey).body == "\"111122223333\"");
  CHECK(call("X-Api-Key", kApiKey).body == "\"111122223333\"");
  auto const wrong = call("X-Api-Key", kApiKey + "0");
  CHECK(wrong.status == 403);
  CHECK(wrong.body.find("UnrecognizedClientException") != std::string::npos);
  CHECK(serving.send("POST", "/function/other", "{}", {{"X-Api-Key", kApiKey}}).status == 403);
}

TEST_CASE("on loopback a call may come unsigned, but not signed wrongly") {
  HttpServerOptions options;
  options.access = access();
  Serving serving(options);
  deploy_hello(serving, "000000000000");
  CHECK(serving.send("POST", kInvoke, "{}").status == 200);
  CHECK(send(serving, signed_now(serving, "AKIA1", "wrong")).status == 403);
  CHECK(serving.send("POST", kInvoke, "{}", {{"X-Api-Key", "wrong"}}).status == 403);
}

TEST_CASE("a server answers to the names it was given") {
  HttpServerOptions options;
  options.hosts = {"faas.example"};
  Serving serving(options);
  auto const status = [&](std::string const& host) {
    Wire wire(serving);
    wire.write("GET /healthz HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    return wire.read_all().substr(9, 3);
  };
  CHECK(status("faas.example") == "200");
  CHECK(status("faas.example:9000") == "200");
  CHECK(status("localhost") == "200");
  CHECK(status("evil.example") == "403");
}

// One request over the Unix socket, as another user.
namespace {
std::string over_socket(std::string const& path, uid_t uid, std::string const& request) {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  auto const child = ::fork();
  if (child == 0) {  // no memory is allocated here: other threads may have held its lock
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    std::array<char, 65'536> answer;
    int const fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    bool good = (uid == 0 || (::setgid(uid) == 0 && ::setuid(uid) == 0)) &&
                ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                ::write(fd, request.data(), request.size()) > 0;
    for (ssize_t n = 0; good && (n = ::read(fd, answer.data(), answer.size())) > 0;)
      good = ::write(pipe[1], answer.data(), static_cast<std::size_t>(n)) == n;
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string text;
  std::array<char, 4096> piece;
  for (ssize_t n = 0; (n = ::read(pipe[0], piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(n));
  ::close(pipe[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}
}  // namespace

TEST_CASE("on the Unix socket the kernel says who asks") {
  TempDir directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
  HttpServerOptions options;
  options.access = access();
  options.access->principals[0].uid = 12'345;
  options.socket = directory / "s";
  {
    Serving serving(options);
    REQUIRE(::chmod(options.socket.c_str(), 0666) == 0);  // groups are not what is tested
    deploy_hello(serving, "111122223333");
    deploy_hello(serving, "000000000000");
    std::string const call =
        "POST /function/hello HTTP/1.1\r\nHost: any\r\nContent-Length: 0\r\nConnection: "
        "close\r\n\r\n";
    CHECK(over_socket(options.socket, 0, call).ends_with("\"000000000000\""));
    CHECK(over_socket(options.socket, 12'345, call).ends_with("\"111122223333\""));
    CHECK(over_socket(options.socket, 12'346, call).starts_with("HTTP/1.1 401 "));
    fetch::Request by_url;
    by_url.target = "/2016-08-19/account-settings";
    CHECK(fetch::send(fetch::parse_url("unix:" + options.socket).value(), by_url)->status == 200);
    std::string const forbidden = "GET /metrics HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n";
    CHECK(over_socket(options.socket, 0, forbidden).starts_with("HTTP/1.1 200 "));
    CHECK(over_socket(options.socket, 12'345, forbidden).starts_with("HTTP/1.1 403 "));
  }
  CHECK_FALSE(std::filesystem::exists(options.socket));
}
