#include "runtime/state_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "sys/random.hpp"

namespace faas::inline v0::runtime {
namespace {

using std::filesystem::perms;

std::string new_id() {
  std::array<std::byte, 6> bytes;
  sys::random_bytes(bytes);
  return to_hex(bytes);
}

bool is_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string read_lock(int fd) {
  std::array<char, 64> buffer;
  auto const n = ::pread(fd, buffer.data(), buffer.size(), 0);
  return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string();
}

}  // namespace

Result<StateDir> StateDir::open(std::string const& path) {
  StateDir dir;
  if (path.empty()) {
    dir.runtime_id_ = new_id();
    return dir;
  }
  std::error_code ec;
  dir.path_ = std::filesystem::absolute(path, ec);
  bool const made = !ec && std::filesystem::create_directories(dir.path_, ec);
  if (made) std::filesystem::permissions(dir.path_, perms::owner_all, ec);
  auto const mode = ec ? perms::none : std::filesystem::status(dir.path_, ec).permissions();
  if (ec) return sys::errno_error(fmt::format("state directory {}", path), ec.value());
  // What was there may be anybody's, say /tmp: its mode is not ours to change.
  if ((mode & perms::others_write) != perms::none) {
    return Error{Errc::denied,
                 fmt::format("the state directory {} can be written by everybody: give the runtime "
                             "a directory of its own",
                             path),
                 "StateDirectoryOpen", "state"};
  }

  auto const lock = dir.below("lock");
  dir.lock_.reset(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!dir.lock_) return sys::errno_error(lock, errno);
  auto const content = read_lock(dir.lock_.get());
  auto const space = content.find(' ');
  if (::flock(dir.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return sys::errno_error("flock " + lock, errno);
    auto const pid = space == std::string::npos
                         ? "?"
                         : content.substr(space + 1, content.find('\n') - space - 1);
    return Error{Errc::conflict,
                 fmt::format("the state directory {} belongs to a running process (pid {}): stop "
                             "it, or give this one "
                             "another directory",
                             path, pid),
                 "StateDirectoryInUse", "state"};
  }
  dir.runtime_id_ = content.substr(0, space);
  if (!is_id(dir.runtime_id_)) dir.runtime_id_ = new_id();
  auto const line = fmt::format("{} {}\n", dir.runtime_id_, ::getpid());
  if (::ftruncate(dir.lock_.get(), 0) != 0 ||
      ::pwrite(dir.lock_.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    return sys::errno_error(lock, errno);
  }
  return dir;
}

}  // namespace faas::inline v0::runtime
