#include "runtime/log_storage.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "sys/directory.hpp"
#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::runtime {
namespace {

class MemoryLog final : public LogStorage {
 public:
  bool write(std::string_view text) override {
    current_text_ += text;
    current_.size += text.size();
    return true;
  }

  bool rotate() override {
    previous_text_ = std::exchange(current_text_, {});
    rotated();
    return true;
  }

  std::size_t read(std::uint64_t position, std::span<char> buffer) override {
    bool const now = position >= current_.start;
    auto const& text = now ? current_text_ : previous_text_;
    auto const from = position - (now ? current_ : previous_).start;
    return text.copy(buffer.data(), buffer.size(), static_cast<std::size_t>(from));
  }

 private:
  std::string current_text_, previous_text_;
};

// "faas-log 00000000000000000000\n"
constexpr std::string_view kMagic = "faas-log ";
constexpr std::size_t kDigits = 20;
constexpr std::size_t kHeader = kMagic.size() + kDigits + 1;

std::string header(std::uint64_t start) { return fmt::format("{}{:020}\n", kMagic, start); }

std::optional<std::uint64_t> start_in(std::string_view text) {
  if (text.size() != kHeader || !text.starts_with(kMagic) || text.back() != '\n')
    return std::nullopt;
  std::uint64_t start = 0;
  auto const* first = text.data() + kMagic.size();
  auto const parsed = std::from_chars(first, first + kDigits, start);
  if (parsed.ec != std::errc() || parsed.ptr != first + kDigits) return std::nullopt;
  return start;
}

// A file that is not ours, or was cut within its first line, has no text.
std::optional<LogSegment> segment_in(int fd) {
  char buffer[kHeader];
  auto const got = sys::read_at(fd, 0, std::as_writable_bytes(std::span(buffer)));
  if (!got) return std::nullopt;
  auto const start = start_in(std::string_view(buffer, *got));
  struct stat info {};
  if (!start || ::fstat(fd, &info) != 0) return std::nullopt;
  return LogSegment{*start, static_cast<std::uint64_t>(info.st_size) - kHeader};
}

bool write_at(int fd, std::uint64_t offset, std::string_view text) {
  while (!text.empty()) {
    auto const n = ::pwrite(fd, text.data(), text.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    offset += static_cast<std::uint64_t>(n);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

class FileLog final : public LogStorage {
 public:
  FileLog(int directory, std::string name) : directory_(directory), name_(std::move(name)) {
    load();
  }

  bool write(std::string_view text) override {
    if (!file_ && !create()) return false;
    // At its place, not at the end: what a failed write left there is written over.
    if (!write_at(file_.get(), kHeader + current_.size, text)) {
      static_cast<void>(::ftruncate(file_.get(), static_cast<off_t>(kHeader + current_.size)));
      return false;
    }
    current_.size += text.size();
    return true;
  }

  bool rotate() override {
    bool const kept =
        ::renameat(directory_, path("current").c_str(), directory_, path("previous").c_str()) == 0;
    if (!kept && errno != ENOENT) return false;
    file_.reset();
    rotated();
    if (!kept) previous_ = {};  // someone removed it: go on without
    return true;
  }

  std::size_t read(std::uint64_t position, std::span<char> buffer) override {
    bool const now = position >= current_.start;
    auto const& segment = now ? current_ : previous_;
    auto file = open(now ? "current" : "previous", O_RDONLY);
    auto const bytes = std::as_writable_bytes(
        buffer.first(std::min<std::uint64_t>(buffer.size(), segment.end() - position)));
    auto const got = file ? sys::read_at(file.get(), kHeader + (position - segment.start), bytes)
                          : Result<std::size_t>(0);
    return got ? *got : 0;
  }

 private:
  std::string path(std::string_view file) const { return fmt::format("{}/{}", name_, file); }

  sys::Fd open(std::string_view file, int flags) const {
    unsigned const mode = (flags & O_CREAT) != 0 ? 0600 : 0;  // openat2 takes no other
    auto opened = sys::open_beneath(directory_, path(file), flags, mode);
    return opened ? std::move(opened).value() : sys::Fd();
  }

  void load() {
    if (auto file = open("previous", O_RDONLY))
      previous_ = segment_in(file.get()).value_or(LogSegment{});
    current_.start = previous_.end();
    auto file = open("current", O_RDWR);
    auto const found = file ? segment_in(file.get()) : std::nullopt;
    if (!found) return;
    current_ = *found;
    file_ = std::move(file);
    if (previous_.end() > current_.start) previous_ = {};
  }

  bool create() {
    if (!sys::make_directory(directory_, name_, 0700)) return false;
    auto file = open("current", O_RDWR | O_CREAT | O_TRUNC);
    if (!file || !write_at(file.get(), 0, header(current_.start))) return false;
    file_ = std::move(file);
    return true;
  }

  int directory_;
  std::string name_;
  sys::Fd file_;  // current, once there is one
};

}  // namespace

std::unique_ptr<LogStorage> memory_log() { return std::make_unique<MemoryLog>(); }

std::unique_ptr<LogStorage> file_log(int directory, std::string name) {
  return std::make_unique<FileLog>(directory, std::move(name));
}

}  // namespace faas::inline v0::runtime
