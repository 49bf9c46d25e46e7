#include "runtime/log_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "code/sha256.hpp"
#include "registry/validate.hpp"
#include "runtime/log_storage.hpp"
#include "runtime/log_text.hpp"
#include "sys/directory.hpp"
#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::runtime {
namespace {

// What one log in memory costs beside its text.
constexpr std::uint64_t kLogOverhead = 512;
// Of lines that wait for the next write: those of calls that run at once.
constexpr std::size_t kMostWaiting = 4096;

// Text of a function that may still be written this second, and what was not.
struct Rate {
  std::optional<TimePoint> second;
  std::uint64_t used = 0;
  std::uint64_t dropped = 0;
};

struct Log {
  FunctionName function;
  std::unique_ptr<LogStorage> storage;
  Rate rate;
  std::string waiting;  // platform lines that are written with what follows them

  std::uint64_t first() const {
    return storage->previous().size > 0 ? storage->previous().start : storage->current().start;
  }
  std::uint64_t end() const { return storage->current().end(); }
  std::uint64_t bytes() const {
    return kLogOverhead + storage->previous().size + storage->current().size;
  }
};

// The longest front of `text` that is no longer than `room` and ends with a line; nothing if none
// does.
std::string_view whole_lines(std::string_view text, std::uint64_t room) {
  if (text.size() <= room) return text;
  if (room == 0) return {};
  auto const end = text.rfind('\n', static_cast<std::size_t>(room) - 1);
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end + 1);
}

bool is_log_id(std::string_view name) {
  return name.size() == 32 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> log_id(FunctionName const& name) {
  if (!registry::is_account(name.account) || !registry::is_function_name(name.name))
    return std::nullopt;
  auto const whole = fmt::format("{}:{}", name.account, name.name);
  auto const sum = code::sha256(std::as_bytes(std::span(whole)));
  return to_hex(std::span(sum).first(16));
}

namespace {

// Some of the logs, with a mutex of their own.
struct Shelf {
  ~Shelf();
  Log* log_of(FunctionName const&);
  Log* log_to_read(FunctionName const&);
  void evict();
  std::string_view within_rate(Log&, std::string_view, TimePoint);
  void tell_dropped(Log&);
  void write_waiting(Log&);
  void add(Log&, std::string_view);
  std::size_t put(Log&, std::string_view);
  LogChunk read(Log&, std::uint64_t position, std::size_t max);

  LogOptions options;
  sys::Fd directory;  // none: in memory
  std::mutex mutex;
  std::list<Log> logs;  // used last stands first
  std::map<FunctionName, std::list<Log>::iterator> by_name;
  std::uint64_t memory = 0;
};

Shelf::~Shelf() {
  if (!directory) return;
  for (auto& log : logs) write_waiting(log);
}

Log* Shelf::log_of(FunctionName const& function) {
  auto const it = by_name.find(function);
  if (it == by_name.end()) {
    auto const id = log_id(function);
    if (!id) return nullptr;
    logs.push_front({function, directory ? file_log(directory.get(), *id) : memory_log(), {}, {}});
    memory += logs.front().bytes();
    by_name.emplace(function, logs.begin());
    evict();
  } else {
    logs.splice(logs.begin(), logs, it->second);
  }
  return &logs.front();
}

// Who asks for a log that is not there makes none, and drives none out of memory.
Log* Shelf::log_to_read(FunctionName const& function) {
  return directory || by_name.count(function) != 0 ? log_of(function) : nullptr;
}

// Files only lose their descriptor; a log in memory is gone. The one in use stays.
void Shelf::evict() {
  auto too_many = [&] {
    return directory ? logs.size() > options.open_files : memory > options.memory.count;
  };
  while (logs.size() > 1 && too_many()) {
    auto& last = logs.back();
    write_waiting(last);
    if (directory) tell_dropped(last);
    memory -= last.bytes();
    by_name.erase(last.function);
    logs.pop_back();
  }
}

std::string_view Shelf::within_rate(Log& log, std::string_view text, TimePoint now) {
  auto& rate = log.rate;
  if (!rate.second || now - *rate.second >= std::chrono::seconds(1)) {
    rate.second = now;
    rate.used = 0;
    tell_dropped(log);
  }
  auto const taken = whole_lines(text, options.rate.count - rate.used);
  // What follows a line that was dropped is dropped too, so that the line that tells it stands in
  // its place.
  rate.used = taken.size() == text.size() ? rate.used + text.size() : options.rate.count;
  rate.dropped += text.size() - taken.size();
  return taken;
}

void Shelf::tell_dropped(Log& log) {
  auto const dropped = std::exchange(log.rate.dropped, 0);
  if (dropped > 0 && put(log, dropped_line(dropped, options.rate)) > 0) log.rate.dropped = dropped;
}

void Shelf::write_waiting(Log& log) {
  if (!log.waiting.empty()) add(log, {});
}

// One write for what waits and the text behind it.
void Shelf::add(Log& log, std::string_view text) {
  if (!log.waiting.empty()) text = log.waiting.append(text);
  log.rate.dropped += put(log, text);
  log.waiting.clear();
}

// Bytes that could not be written.
std::size_t Shelf::put(Log& log, std::string_view text) {
  auto& storage = *log.storage;
  auto const before = log.bytes();
  bool good = true;
  while (good && !text.empty()) {
    auto const used = storage.current().size;
    if (used > 0 && used + text.size() > options.size.count) good = storage.rotate();
    auto piece = whole_lines(text, options.size.count);
    if (piece.empty()) piece = text.substr(0, static_cast<std::size_t>(options.size.count));
    good = good && storage.write(piece);
    if (good) text.remove_prefix(piece.size());
  }
  memory += log.bytes() - before;
  return text.size();
}

LogChunk Shelf::read(Log& log, std::uint64_t position, std::size_t max) {
  LogChunk chunk;
  auto const& previous = log.storage->previous();
  auto const& current = log.storage->current();
  position = std::clamp(position, log.first(), log.end());
  if (position >= previous.end()) position = std::max(position, current.start);
  chunk.position = chunk.next = position;
  auto append = [&](LogSegment const& segment) {
    if (chunk.next < segment.start || chunk.next >= segment.end() || chunk.text.size() >= max)
      return;
    auto const old = chunk.text.size();
    chunk.text.resize(old + static_cast<std::size_t>(
                                std::min<std::uint64_t>(max - old, segment.end() - chunk.next)));
    auto const got = log.storage->read(chunk.next, std::span(chunk.text).subspan(old));
    chunk.text.resize(old + got);
    chunk.next += got;
  };
  append(previous);
  append(current);
  return chunk;
}

}  // namespace

struct LogFiles::Impl {
  Shelf& of(FunctionName const& function) {
    auto const hash = std::hash<std::string_view>()(function.name);
    return *shelves[(hash ^ std::hash<std::string_view>()(function.account)) % shelves.size()];
  }
  std::vector<std::unique_ptr<Shelf>> shelves;
};

LogFiles::LogFiles(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogFiles::LogFiles(LogFiles&&) noexcept = default;
LogFiles& LogFiles::operator=(LogFiles&&) noexcept = default;
LogFiles::~LogFiles() = default;

Result<LogFiles> LogFiles::open(LogOptions options) {
  auto impl = std::make_unique<Impl>();
  options.writers = std::max(options.writers, 1u);
  options.size.count = std::max<std::uint64_t>(options.size.count, 4096);
  options.open_files = std::max<std::size_t>(options.open_files / options.writers, 1);
  options.memory.count /= options.writers;
  if (!options.directory.empty() && ::mkdir(options.directory.c_str(), 0700) != 0 &&
      errno != EEXIST)
    return sys::errno_error("mkdir " + options.directory, errno);
  for (unsigned i = 0; i < options.writers; ++i) {
    auto& shelf = *impl->shelves.emplace_back(std::make_unique<Shelf>());
    shelf.options = options;
    if (options.directory.empty()) continue;
    auto opened = sys::open_file(options.directory, O_RDONLY | O_DIRECTORY);
    if (!opened) return opened.error();
    shelf.directory = std::move(opened).value();
  }
  return LogFiles(std::move(impl));
}

void LogFiles::append(FunctionName const& function, std::string_view lines, TimePoint now) {
  auto& shelf = impl_->of(function);
  std::lock_guard lock(shelf.mutex);
  auto* log = shelf.log_of(function);
  if (log == nullptr) return;
  shelf.add(*log, shelf.within_rate(*log, lines, now));
  shelf.evict();
}

void LogFiles::append_platform(FunctionName const& function, std::string_view lines, Write when) {
  auto& shelf = impl_->of(function);
  std::lock_guard lock(shelf.mutex);
  auto* log = shelf.log_of(function);
  if (log == nullptr) return;
  shelf.tell_dropped(*log);
  if (when == Write::with_next && log->waiting.size() + lines.size() <= kMostWaiting) {
    log->waiting += lines;
    return;
  }
  shelf.add(*log, lines);
  shelf.evict();
}

LogChunk LogFiles::read(FunctionName const& function, std::uint64_t position, std::size_t max) {
  auto& shelf = impl_->of(function);
  std::lock_guard lock(shelf.mutex);
  auto* log = shelf.log_to_read(function);
  if (log == nullptr) return {};
  shelf.write_waiting(*log);
  return shelf.read(*log, position, max);
}

LogChunk LogFiles::tail(FunctionName const& function, std::size_t bytes) {
  auto& shelf = impl_->of(function);
  std::lock_guard lock(shelf.mutex);
  auto* log = shelf.log_to_read(function);
  if (log == nullptr) return {};
  shelf.write_waiting(*log);
  auto const from = log->end() - std::min<std::uint64_t>(bytes, log->end() - log->first());
  return shelf.read(*log, from, bytes);
}

void LogFiles::remove(FunctionName const& function) {
  auto& shelf = impl_->of(function);
  std::lock_guard lock(shelf.mutex);
  auto const id = log_id(function);
  if (!id) return;
  if (auto it = shelf.by_name.find(function); it != shelf.by_name.end()) {
    shelf.memory -= it->second->bytes();
    shelf.logs.erase(it->second);
    shelf.by_name.erase(it);
  }
  // What stays behind (a directory that cannot be removed) is text that was rotated away in any
  // case.
  if (shelf.directory) static_cast<void>(sys::remove_tree(shelf.directory.get(), *id));
}

std::set<std::string> LogFiles::stored() const {
  auto const& directory = impl_->shelves.front()->directory;  // the same for all
  std::set<std::string> ids;
  if (!directory) return ids;
  auto const names = sys::list_names(directory.get());
  if (!names) return ids;
  std::copy_if(names->begin(), names->end(), std::inserter(ids, ids.end()), is_log_id);
  return ids;
}

void LogFiles::remove_stored(std::set<std::string> const& ids) {
  auto const& directory = impl_->shelves.front()->directory;  // the same for all
  for (auto const& id : ids)
    if (directory && is_log_id(id)) static_cast<void>(sys::remove_tree(directory.get(), id));
}

}  // namespace faas::inline v0::runtime
