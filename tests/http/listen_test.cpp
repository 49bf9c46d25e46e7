#include "http/listen.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <fstream>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::http;
using faas::test::TempDir;

namespace {

// The reason, or the code's name; empty: it may listen.
std::string refused(HttpServerOptions const& options) {
  auto const endpoint = endpoint_of(options);
  if (endpoint) return "";
  auto const& error = endpoint.error();
  return error.reason.empty() ? std::string(to_string(error.code)) : error.reason;
}

HttpServerOptions at(std::string address) {
  HttpServerOptions options;
  options.address = std::move(address);
  return options;
}

Errc fails(asio::io_context& io, std::string const& path) {
  auto const acceptor = listen_at(io.get_executor(), path);
  REQUIRE_FALSE(acceptor);
  return acceptor.error().code;
}

}  // namespace

TEST_CASE("beyond loopback nobody listens without sign-in, and not in the clear by accident") {
  for (auto const* address : {"127.0.0.1", "127.1.2.3", "::1", "localhost"})
    CHECK(refused(at(address)) == "");
  for (auto const* address : {"0.0.0.0", "::", "10.0.0.1", "fd00::1"}) {
    CAPTURE(address);
    auto options = at(address);
    CHECK(refused(options) == "NotLoopback");
    options.insecure_http = true;
    options.require_sign_in = true;
    CHECK(refused(options) == "NotLoopback");
    options.tls = {"c", "k", ""};
    CHECK(refused(options) == "NotLoopback");
    options = at(address);
    options.access.emplace();
    CHECK(refused(options) == "PlainHttp");
    options.insecure_http = true;
    CHECK(refused(options) == "");
    options.insecure_http = false;
    options.tls = {"c", "k", ""};
    CHECK(refused(options) == "");
  }
  CHECK(refused(at("example")) == "invalid_argument");
}

TEST_CASE("options that contradict each other are refused") {
  auto options = at("127.0.0.1");
  options.tls.certificate = "c";
  CHECK(refused(options) == "invalid_argument");
  options.tls = {"", "k", ""};
  CHECK(refused(options) == "invalid_argument");
  options.tls = {"", "", "ca"};
  CHECK(refused(options) == "invalid_argument");
  options.tls = {};
  Principal p;
  p.name = "p";
  p.certificate_sha256 = std::string(64, 'a');
  options.access = Access{{p}};
  CHECK(refused(options) == "invalid_argument");
  options.tls = {"c", "k", "ca"};
  CHECK(refused(options) == "");
  options.access->principals[0].name = "";
  CHECK(refused(options) == "invalid_argument");
}

TEST_CASE("every name is answered to only where everybody signs in") {
  auto options = at("127.0.0.1");
  options.hosts = {"*"};
  CHECK(refused(options) == "AnyHost");
  options.access.emplace();
  CHECK(refused(options) == "AnyHost");
  options.require_sign_in = true;
  CHECK(refused(options) == "");
  options.hosts = {"faas.example"};
  options.access.reset();
  options.require_sign_in = false;
  CHECK(refused(options) == "");
}

TEST_CASE("a Unix socket is its owner's and group's") {
  TempDir directory;
  asio::io_context io;
  auto const path = directory / "s";
  auto const acceptor = listen_at(io.get_executor(), path);
  REQUIRE(acceptor);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0660);
}

TEST_CASE("the uid at the other end is known") {
  TempDir directory;
  asio::io_context io;
  auto acceptor = listen_at(io.get_executor(), directory / "s");
  REQUIRE(acceptor);
  LocalProtocol::socket client(io);
  client.connect(LocalProtocol::endpoint(directory / "s"));
  auto accepted = acceptor->accept();
  CHECK(uid_of(accepted).value() == ::geteuid());
}

TEST_CASE("a socket file is replaced only if nobody answers at it") {
  TempDir directory;
  asio::io_context io;
  std::string const path = directory / "s";
  {
    auto const first = listen_at(io.get_executor(), path);
    REQUIRE(first);
    CHECK(fails(io, path) == Errc::conflict);
  }
  REQUIRE(::access(path.c_str(), F_OK) == 0);  // as after a kill -9
  CHECK(listen_at(io.get_executor(), path));
  std::string const file = directory / "file";
  std::ofstream(file) << "precious";
  CHECK(fails(io, file) == Errc::conflict);
  CHECK(std::filesystem::file_size(file) == 8);
  CHECK(fails(io, directory / "none/s") == Errc::io);
  CHECK(fails(io, "/" + std::string(107, 'x')) == Errc::invalid_argument);
}
