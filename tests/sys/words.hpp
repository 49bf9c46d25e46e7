// Words for what lies on the disk and in descriptors.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/result.hpp"
#include "support/temp_dir.hpp"
#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace faas::test {

inline std::string content(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline bool exists(std::string const& path) {
  return std::filesystem::exists(std::filesystem::symlink_status(path));
}

inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
inline bool closes_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

inline unsigned mode_of(int fd) {
  struct stat status {};
  REQUIRE(::fstat(fd, &status) == 0);
  return status.st_mode & 07777;
}

inline sys::Fd open_directory(std::string const& path) {
  return sys::open_file(path, O_RDONLY | O_DIRECTORY).value();
}

// While it lives no file of this process grows beyond `bytes`: a write past it is cut, then fails.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit const small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(FileSizeLimit const&) = delete;
  FileSizeLimit& operator=(FileSizeLimit const&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace faas::test
