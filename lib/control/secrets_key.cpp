// The key that seals what the daemon stores of functions' environments: from a file, or from
// systemd.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <faas/control.hpp>
#include <optional>
#include <utility>

namespace faas::inline v0 {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kMostBytes = 2 * kKeySize + 2;  // hex digits and an end of line
constexpr char const* kCredential = "faasd-secrets-key";

Error failed(std::string const& path, int error) {
  auto const code = error == ENOENT                     ? Errc::not_found
                    : error == EACCES || error == EPERM ? Errc::denied
                                                        : Errc::io;
  return {code, fmt::format("The secrets key file {}: {}", path, std::strerror(error)), "",
          "config"};
}

Error unfit(Errc code, std::string const& path, std::string_view what) {
  return {code, fmt::format("The secrets key file {} {}", path, what), "", "config"};
}

struct File {
  int fd;
  explicit File(std::string const& path)
      : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {}
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  File(File const&) = delete;
};

std::optional<std::string> from_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(text.size() / 2, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = text[i] >= 'A' && text[i] <= 'F' ? static_cast<char>(text[i] + 32) : text[i];
    auto const digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    out[i / 2] = static_cast<char>(out[i / 2] << 4 | static_cast<int>(digit));
  }
  return out;
}

// No message holds what was read.
Result<std::string> parse(std::string_view bytes, std::string const& path) {
  if (bytes.size() == kKeySize) return std::string(bytes);
  auto text = bytes;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  auto key = text.size() == 2 * kKeySize ? from_hex(text) : std::nullopt;
  if (key) return std::move(*key);
  return unfit(Errc::invalid_argument, path,
               "must hold 32 bytes, or 64 hex digits: make one with head -c 32 /dev/urandom");
}

enum class Guard { mode, directory };  // what keeps others from it

Result<std::string> read_key(std::string const& path, Guard guard) {
  File const file(path);
  if (file.fd < 0) return failed(path, errno);
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) return failed(path, errno);
  if (!S_ISREG(status.st_mode)) return unfit(Errc::invalid_argument, path, "is not a file");
  if (guard == Guard::mode && (status.st_mode & 077) != 0) {
    return unfit(Errc::denied, path,
                 fmt::format("is open to others than its owner (mode {:04o}): chmod 600 it, and "
                             "make another key if somebody may have read it",
                             status.st_mode & 07777));
  }
  std::array<char, kMostBytes + 1> bytes{};
  auto const size = ::read(file.fd, bytes.data(), bytes.size());
  if (size < 0) return failed(path, errno);
  auto key = parse({bytes.data(), static_cast<std::size_t>(size)}, path);
  ::explicit_bzero(bytes.data(), bytes.size());
  return key;
}

}  // namespace

Result<std::string> find_secrets_key(std::string const& file,
                                     std::string const& credentials_directory) {
  if (!file.empty()) return read_key(file, Guard::mode);
  if (credentials_directory.empty()) return std::string();
  auto key = read_key(fmt::format("{}/{}", credentials_directory, kCredential), Guard::directory);
  if (!key && key.error().code == Errc::not_found) return std::string();
  return key;
}

}  // namespace faas::inline v0
