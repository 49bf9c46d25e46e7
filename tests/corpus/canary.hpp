// A process, a file and three sockets of the host that no function may touch.
#pragma once

#include <string>

#include "support/temp_dir.hpp"
#include "sys/fd.hpp"

namespace faas::test {

class Canary {
 public:
  Canary();
  ~Canary();
  Canary(Canary const&) = delete;

  std::string const& directory() const { return directory_.path(); }
  std::string socket() const { return directory_ / "socket"; }
  std::string secret() const { return directory_ / "secret"; }  // a file anybody may read
  std::string const& abstract() const { return abstract_; }
  int port() const { return port_; }
  int pid() const { return pid_; }

  // What has happened to it since; empty: nothing.
  std::string touched();

 private:
  TempDir directory_;
  std::string abstract_;
  int pid_ = -1;
  int port_ = 0;
  sys::Fd stdin_, stdout_;
  std::string secret_state_;
};

}  // namespace faas::test
