// Attacks by sockets: which there are, and whom they reach.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <set>

#include "attacker.hpp"

using namespace faas;
using namespace faas::test;

namespace {

// A TCP listener on every address the host has, of both families, which nobody should reach.
class Everywhere {
 public:
  Everywhere() : fd_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    int const off = 0;
    ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) == 0);
    REQUIRE(::listen(fd_.get(), 64) == 0);
    socklen_t size = sizeof a;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&a), &size);
    port_ = std::to_string(ntohs(a.sin6_port));
  }
  std::string const& port() const { return port_; }
  bool somebody_came() const {
    return static_cast<bool>(sys::Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }

 private:
  sys::Fd fd_;
  std::string port_;
};

// As text. Of link-local ones nobody can say which link is meant.
std::set<std::string> host_addresses() {
  std::set<std::string> found;
  ifaddrs* all = nullptr;
  REQUIRE(::getifaddrs(&all) == 0);
  for (auto* i = all; i; i = i->ifa_next) {
    char text[INET6_ADDRSTRLEN] = {};
    if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
      ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(i->ifa_addr)->sin_addr, text,
                  sizeof text);
    if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6)
      ::inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(i->ifa_addr)->sin6_addr, text,
                  sizeof text);
    if (*text) found.insert(text);
  }
  ::freeifaddrs(all);
  return found;
}

bool host_reaches(std::string const& address, std::string const& port) {
  bool const six = address.find(':') != std::string::npos;
  sys::Fd s(::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto const number = htons(static_cast<in_port_t>(std::stoi(port)));
  sockaddr_in a{};
  a.sin_family = AF_INET, a.sin_port = number;
  sockaddr_in6 b{};
  b.sin6_family = AF_INET6, b.sin6_port = number;
  ::inet_pton(AF_INET, address.c_str(), &a.sin_addr);
  ::inet_pton(AF_INET6, address.c_str(), &b.sin6_addr);
  return six ? ::connect(s.get(), reinterpret_cast<sockaddr*>(&b), sizeof b) == 0
             : ::connect(s.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
}

}  // namespace

TEST_CASE(
    "of all families, types and protocols of sockets those of the list can be had, and no other") {
  Jails jails;  // C18
  auto const story = jails.run(attacker({"sockets"}));
  std::string expected;
  for (int const family : {AF_UNIX, AF_INET, AF_INET6})
    for (int const type : {SOCK_STREAM, SOCK_DGRAM}) {
      sys::Fd const host(::socket(family, type | SOCK_CLOEXEC, 0));
      if (!host) continue;  // a host without IPv6
      auto const line = "socket " + std::to_string(family) + " " + std::to_string(type) + " ";
      expected += line + "0\n";
      if (family != AF_UNIX) expected += line + (type == SOCK_STREAM ? "6\n" : "17\n");
    }
  CHECK(story.output == expected + "tried 327680\n");
}

TEST_CASE("an abstract socket of one jail is not there for another, nor for the host") {  // D13
  Jails jails;
  auto listening = jails.start(attacker({"listen-abstract", "x"}));
  CHECK(Jails::read(listening, 13) == "self reached\n");
  CHECK(jails.run(attacker({"connect-unix", "@x"})).output == "@x ECONNREFUSED\n");
  sys::Fd s(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  a.sun_path[1] = 'x';
  CHECK(::connect(s.get(), reinterpret_cast<sockaddr*>(&a), sizeof a.sun_family + 2) == -1);
  jails.sandbox().kill(listening.ticket);
  jails.end(listening);
  CHECK(Jails::read(listening).empty());
}

TEST_CASE("sockets that hosts keep in their file systems are not there") {  // D14
  TempDir host;
  ::chmod(host.path().c_str(), 0777);
  auto const canary = host / "canary.sock";
  sys::Fd s(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  canary.copy(a.sun_path, sizeof a.sun_path - 1);
  REQUIRE(::bind(s.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) == 0);
  REQUIRE(::listen(s.get(), 8) == 0);
  std::vector<std::string> arguments{"connect-unix",
                                     canary,
                                     "/run/docker.sock",
                                     "/var/run/docker.sock",
                                     "/run/containerd/containerd.sock",
                                     "/run/systemd/private",
                                     "/run/systemd/notify",
                                     "/run/dbus/system_bus_socket",
                                     "/tmp/.X11-unix/X0"};
  Jails jails;
  auto const story = jails.run(attacker(arguments));
  for (auto path = arguments.begin() + 1; path != arguments.end(); ++path)
    CHECK(story.answer(*path) == "ENOENT");
  CHECK(::accept4(s.get(), nullptr, nullptr, SOCK_CLOEXEC) == -1);
}

TEST_CASE("no metadata service is reached, by address or by name") {  // N1
  Jails jails;
  std::vector<std::string> targets;
  for (std::string const address :
       {"169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"})
    for (std::string const kind : {"tcp/", "udp/"}) targets.push_back(kind + address + "/80");
  auto arguments = targets;
  arguments.insert(arguments.begin(), "connect");
  auto const story = jails.run(attacker(arguments));
  for (auto const& target : targets) {
    CAPTURE(target);
    CHECK(story.answer(target) == "ENETUNREACH");
  }
  auto spec = Jails::victim({});
  spec.argv = {"/usr/bin/getent", "hosts", "metadata.google.internal"};
  auto const asked = jails.run(spec);
  CHECK(asked.output.empty());
  CHECK(asked.exited->code == 2);  // no such name
}

TEST_CASE("no name server is reached") {  // N2
  std::vector<std::string> targets;
  for (std::string const address : {"1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"})
    for (std::string const kind : {"udp/", "tcp/"}) targets.push_back(kind + address + "/53");
  std::ifstream resolvers("/etc/resolv.conf");
  for (std::string word, address; resolvers >> word;)
    if (word == "nameserver" && resolvers >> address && !address.starts_with("127.") &&
        address.find_first_of("%[") == address.npos && address != "::1")
      targets.push_back("udp/" + address + "/53");
  auto arguments = targets;
  arguments.insert(arguments.begin(), "connect");
  Jails jails;
  auto const story = jails.run(attacker(arguments));
  for (auto const& target : targets) {
    CAPTURE(target);
    CHECK(story.answer(target) == "ENETUNREACH");
  }
}

TEST_CASE("no address of the host is reached, its loopback neither") {  // N3
  Everywhere everywhere;
  std::vector<std::string> arguments{"connect"};
  for (auto const& address : host_addresses()) {
    if (!address.starts_with("fe80:")) {
      CAPTURE(address);
      REQUIRE(host_reaches(address, everywhere.port()));
      REQUIRE(everywhere.somebody_came());
    }
    arguments.push_back("tcp/" + address + "/" + everywhere.port());
  }
  Jails jails;
  auto const story = jails.run(attacker(arguments));
  CAPTURE(story.output);
  REQUIRE(arguments.size() > 1);
  CHECK(story.output.find("reached") == std::string::npos);
  for (auto target = arguments.begin() + 1; target != arguments.end(); ++target) {
    bool const own = target->starts_with("tcp/127.") || target->starts_with("tcp/::1/");
    bool const link = target->starts_with("tcp/fe80:");
    CAPTURE(*target);
    if (!link) CHECK(story.answer(*target) == (own ? "ECONNREFUSED" : "ENETUNREACH"));
  }
  CHECK_FALSE(everywhere.somebody_came());
}

TEST_CASE("of all ports of a jail's loopback the Runtime API's is open, and no other") {  // N4
  Jails jails;
  auto spec = attacker({"scan"});
  CHECK(jails.run(spec).output == "neither open nor refused 0\n");
  spec = attacker({"scan"});
  spec.listener = true;
  auto running = jails.start(spec);
  sys::Fd listener(running.started.listener);
  CHECK(jails.end(running).code == 0);
  CHECK(Jails::read(running, 512) == "open 9001\nneither open nor refused 0\n");
}
