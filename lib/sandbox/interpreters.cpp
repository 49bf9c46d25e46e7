#include "sandbox/interpreters.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>

#include "sys/directory.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"

namespace faas::inline v0::sandbox {
namespace {

constexpr int kPatienceMs = 5'000;

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_program(int directory, std::string const& name) {
  return ::faccessat(directory, name.c_str(), X_OK, 0) == 0;
}

// Until the end, 4 KiB, or the end of our patience.
std::string read_pipe(int fd) {
  std::string text;
  char buffer[512];
  pollfd p{fd, POLLIN, 0};
  while (text.size() < 4096 && ::poll(&p, 1, kPatienceMs) > 0) {
    auto const n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

// "v20.11.1\n". Asked of the program itself: neither its name nor its headers, if there are any,
// say it.
std::string node_version(int directory) {
  sys::Fd image(::openat(directory, "node", O_PATH | O_CLOEXEC));
  int ends[2];
  if (!image || ::pipe2(ends, O_CLOEXEC) != 0) return {};
  sys::Fd out(ends[0]), in(ends[1]);
  auto child = sys::spawn_hidden(
      {.image = image.get(), .argv = {"node", "--version"}, .first = 1, .fds = {in.get()}});
  if (!child) return {};
  in.reset();
  auto text = read_pipe(out.get());
  if (!sys::wait_until_ended(child->pidfd.get(), milliseconds(kPatienceMs)))
    sys::signal_process(child->pidfd.get(), SIGKILL);
  sys::wait_until_ended(child->pidfd.get(), milliseconds(kPatienceMs));
  sys::reap(child->pidfd.get());
  return text;
}

}  // namespace

std::vector<std::string> find_interpreters(std::string const& directory) {
  std::vector<std::string> found{"native", "provided", "provided.al2", "provided.al2023"};
  auto fd = sys::open_file(directory, O_RDONLY | O_DIRECTORY);
  auto names = fd ? sys::list_names(fd->get()) : Result<std::vector<std::string>>(fd.error());
  if (!names) return found;
  for (auto const& name : *names)
    if (name.starts_with("python3.") && is_number(std::string_view(name).substr(8)) &&
        is_program(fd->get(), name))
      found.push_back(name);
  if (is_program(fd->get(), "node")) {
    auto const version = node_version(fd->get());
    auto const major = version.substr(0, version.find('.'));
    if (major.starts_with('v') && is_number(std::string_view(major).substr(1)))
      found.push_back(fmt::format("nodejs{}.x", major.substr(1)));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace faas::inline v0::sandbox
