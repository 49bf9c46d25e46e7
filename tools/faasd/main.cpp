#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "commands.hpp"
#include "output.hpp"

namespace faasd {
namespace {

struct Command {
  std::string_view name;
  int (*run)(CommandLine const&);
};

constexpr Command kCommands[] = {
    {"serve", serve},
    {"doctor", doctor},
    {"key", key},
    {"deploy", deploy},
    {"list", list},
    {"delete", remove},
    {"versions", versions},
    {"publish", publish},
    {"alias", alias},
    {"concurrency", concurrency},
    {"why", why},
    {"apply", apply},
    {"export", export_functions},
    {"completion", completion},
    {"man", man},
    {"invoke", invoke},
    {"logs", logs},
    {"ps", ps},
    {"status", status},
    {"version", version},
};

int run(CommandLine const& line) {
  for (auto const& command : kCommands) {
    if (line.command == command.name) return command.run(line);
  }
  fmt::print(stderr, "faasd: nothing does '{}'\n", line.command);
  return kRefused;
}

// With a standard stream closed, the next file opened (the lock, the database) would be it, and be
// written to.
void occupy_standard_streams() {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO) ::close(fd);
}

// An answer that could not be written (a full disk) was not given.
int flushed(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  fmt::print(stderr, "faasd: standard output cannot be written: {}\n", std::strerror(errno));
  return status == kOk ? kRefused : status;
}

// The file first, then the flags again on top of it.
int main(int argc, char** argv) {
  CommandLine line;
  if (auto const done = parse(argc, argv, line)) return *done;
  if (line.config_file.empty()) return run(line);
  auto config = faas::read_config_file(line.config_file);
  if (!config) return fail(config.error());
  CommandLine with_file;
  with_file.config = std::move(*config);
  if (auto const done = parse(argc, argv, with_file)) return *done;
  return run(with_file);
}

}  // namespace
}  // namespace faasd

int main(int argc, char** argv) {
  faasd::occupy_standard_streams();
  try {
    return faasd::flushed(faasd::main(argc, argv));
  } catch (std::exception const& e) {
    fmt::print(stderr, "faasd: {}\n", e.what());
    return faasd::kRefused;
  }
}
