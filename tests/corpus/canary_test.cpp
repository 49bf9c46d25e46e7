// The canary sings when it is touched: what it does not report has not happened.
#include "corpus/canary.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

using namespace faas::test;

namespace {

// It has a moment to say so.
std::string heard(Canary& canary) {
  for (int tries = 0; tries < 500; ++tries) {
    if (auto said = canary.touched(); !said.empty()) return said;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {};
}

bool connects(int family, void const* address, socklen_t size) {
  faas::sys::Fd const s(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(s.get(), static_cast<sockaddr const*>(address), size) == 0;
}

bool connects_to_unix(std::string const& path, bool abstract) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  path.copy(a.sun_path + (abstract ? 1 : 0), path.size());
  return connects(AF_UNIX, &a, static_cast<socklen_t>(sizeof a.sun_family + path.size() + 1));
}

}  // namespace

TEST_CASE("a canary left alone says nothing") {
  Canary canary;
  CHECK(canary.touched().empty());
}

TEST_CASE("a signal is heard") {
  Canary canary;
  REQUIRE(::kill(canary.pid(), SIGTERM) == 0);
  CHECK(heard(canary) == "touched: signal 15\n");
}

TEST_CASE("its end is heard") {
  Canary canary;
  REQUIRE(::kill(canary.pid(), SIGKILL) == 0);
  CHECK(heard(canary) == "gone\n");
}

TEST_CASE("a connection to any of its sockets is heard") {
  Canary canary;
  REQUIRE(connects_to_unix(canary.socket(), false));
  CHECK(heard(canary) == "touched: unix\n");
  REQUIRE(connects_to_unix(canary.abstract(), true));
  CHECK(heard(canary) == "touched: abstract\n");
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(static_cast<std::uint16_t>(canary.port()));
  REQUIRE(connects(AF_INET, &a, sizeof a));
  CHECK(heard(canary) == "touched: loopback\n");
}

TEST_CASE("a change of its file is seen") {
  Canary canary;
  std::ofstream(canary.secret(), std::ios::app) << "x";
  CHECK(heard(canary) == "the file changed\n");
}
