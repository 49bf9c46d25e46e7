#include "corpus/canary.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>

extern char** environ;

namespace faas::test {
namespace {

std::pair<sys::Fd, sys::Fd> make_pipe() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  return {sys::Fd(ends[0]), sys::Fd(ends[1])};
}

std::string read_ready(int fd, int patience_ms) {
  std::string text;
  char buffer[512];
  for (pollfd p{fd, POLLIN, 0}; ::poll(&p, 1, patience_ms) > 0; patience_ms = 0) {
    auto const n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return text + "gone\n";
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

// Content, times, owner, mode: whatever a change would show.
std::string state_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return "gone";
  return content + " " + std::to_string(s.st_ino) + " " + std::to_string(s.st_ctim.tv_sec) + "." +
         std::to_string(s.st_ctim.tv_nsec);
}

}  // namespace

Canary::Canary() {
  abstract_ = "faas-canary-" + std::to_string(::getpid()) + "-" +
              directory_.path().substr(directory_.path().rfind('-') + 1);
  directory_.write("secret", "the canary's secret");
  secret_state_ = state_of(secret());
  auto [their_in, our_in] = make_pipe();
  auto [our_out, their_out] = make_pipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, their_in.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, their_out.get(), 1);
  std::string program = FAAS_CANARY, path = directory_.path(), name = abstract_;
  char* arguments[] = {program.data(), path.data(), name.data(), nullptr};
  REQUIRE(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  stdin_ = std::move(our_in);
  stdout_ = std::move(our_out);
  their_out.reset();
  auto const line = read_ready(stdout_.get(), 10'000);
  REQUIRE(std::sscanf(line.c_str(), "ready %d", &port_) == 1);
}

Canary::~Canary() {
  stdin_.reset();
  ::waitpid(pid_, nullptr, 0);
}

std::string Canary::touched() {
  auto said = read_ready(stdout_.get(), 0);
  if (state_of(secret()) != secret_state_) said += "the file changed\n";
  return said;
}

}  // namespace faas::test
