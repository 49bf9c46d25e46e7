// One owner of one file descriptor, and errno as an Error.
#pragma once

#include <unistd.h>

#include <faas/error.hpp>
#include <string_view>
#include <utility>

namespace faas::inline v0::sys {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// "openat2 /a/b: No such file or directory". ENOENT is not_found, EACCES and EPERM denied, ENOSYS
// unsupported, EEXIST conflict, the rest io.
Error errno_error(std::string_view what, int error);

}  // namespace faas::inline v0::sys
