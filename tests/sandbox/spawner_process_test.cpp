#include "sandbox/spawner_process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "sys/text_file.hpp"

using namespace faas;
using namespace faas::sandbox;

namespace {

std::string of(pid_t pid, std::string const& what) {
  return "/proc/" + std::to_string(pid) + "/" + what;
}

}  // namespace

TEST_CASE("a spawner inherits nothing but its two descriptors") {
  sys::Fd leak(::open("/dev/zero", O_RDONLY));  // a host's descriptor without O_CLOEXEC
  auto spawner = SpawnerProcess::start().value();
  std::set<std::string> found;
  for (auto const& entry : std::filesystem::directory_iterator(of(spawner.pid(), "fd")))
    found.insert(std::filesystem::read_symlink(entry).string());
  CHECK_FALSE(found.contains("/dev/zero"));
  CHECK(found.contains("/dev/null"));
  CHECK(found.size() == 4);  // null, socket, pidfd of the host, its own epoll
  CHECK(sys::read_text(of(spawner.pid(), "environ")).value().empty());
}

TEST_CASE("a spawner is a session of its own, blocks every signal and handles none") {
  auto spawner = SpawnerProcess::start().value();
  auto const status = sys::read_text(of(spawner.pid(), "status")).value();
  CHECK(status.find("SigCgt:\t0000000000000000") != std::string::npos);
  CHECK(status.find("SigIgn:\t0000000000000000") != std::string::npos);
  CHECK(status.find("SigBlk:\tfffffffe7ffbfeff") != std::string::npos);
  CHECK(::getsid(spawner.pid()) == spawner.pid());
  ::kill(spawner.pid(), SIGTERM);  // as from a terminal or a service manager: its library decides
  CHECK(spawner.receive().has_value());
  CHECK_FALSE(sys::has_ended(sys::open_process(spawner.pid())->get()));
}

TEST_CASE("a spawner has written to little: each start copies the page tables of that") {
  auto spawner = SpawnerProcess::start().value();
  auto const status = sys::read_text(of(spawner.pid(), "status")).value();
  auto const at = status.find("RssAnon:");
  REQUIRE(at != std::string::npos);
  CHECK(std::strtoul(status.c_str() + at + 8, nullptr, 10) < 256);  // KiB; the table is 2 MiB
}

TEST_CASE("a spawner's program is a sealed file in memory") {
  auto spawner = SpawnerProcess::start().value();
  auto const exe = of(spawner.pid(), "exe");
  CHECK(std::filesystem::read_symlink(exe).string().find("memfd:faas-spawner") !=
        std::string::npos);
  sys::Fd image(::open(exe.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(static_cast<bool>(image));
  int const seals = ::fcntl(image.get(), F_GET_SEALS);
  CHECK((seals & (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)) ==
        (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
  CHECK(::open(exe.c_str(), O_WRONLY | O_CLOEXEC) == -1);
}

TEST_CASE("a start whose descriptors did not all arrive is refused") {
  auto spawner = SpawnerProcess::start().value();
  wire::Start start;
  start.ticket = 7;
  start.fds = wire::kHasCgroup;  // as if the spawner had had no room for it
  REQUIRE(spawner.send({reinterpret_cast<char const*>(&start), sizeof start}, {}).has_value());
  pollfd p{spawner.socket(), POLLIN, 0};
  REQUIRE(::poll(&p, 1, 10'000) == 1);
  auto const reply = spawner.receive().value();
  REQUIRE(reply.has_value());
  CHECK(reply->head.kind == wire::ReplyKind::failed);
  CHECK(reply->head.ticket == 7);
  CHECK(reply->head.step == std::string_view("receive-files"));
  CHECK(reply->head.error == EMFILE);
}

TEST_CASE("a dead spawner is an error, not a signal") {
  auto spawner = SpawnerProcess::start().value();
  auto const process = sys::open_process(spawner.pid()).value();
  ::kill(spawner.pid(), SIGKILL);
  CHECK(sys::wait_until_ended(process.get(), std::chrono::seconds(5)));
  CHECK(spawner.receive().error().code == Errc::io);
  CHECK(spawner.send("to nobody", {}).error().code == Errc::io);
}
