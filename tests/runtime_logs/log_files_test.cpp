#include "runtime/log_files.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "support/result.hpp"
#include "support/temp_dir.hpp"

using namespace faas;
using namespace faas::runtime;
using namespace faas::test;
namespace fs = std::filesystem;

namespace {

TimePoint at(std::int64_t ms) { return TimePoint(milliseconds(ms)); }

std::string read_file(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::uintmax_t bytes_below(std::string const& path) {
  std::uintmax_t sum = 0;
  for (auto const& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) sum += entry.file_size();
  }
  return sum;
}

// Both kinds of log, one after the other.
struct Places {
  TempDir dir;
  LogOptions options(bool on_disk, Bytes size = 1_MiB) const {
    LogOptions o;
    o.directory = on_disk ? dir / "logs" : "";
    o.size = size;
    return o;
  }
};

FunctionName const kHello("hello");
std::string const kHelloLog = "logs/" + *log_id(kHello);

}  // namespace

TEST_CASE("what was appended is read from any position, and next goes on") {
  for (bool on_disk : {true, false}) {
    Places places;
    auto logs = LogFiles::open(places.options(on_disk)).value();
    CHECK(logs.read(kHello, 0, 100).text.empty());
    logs.append(kHello, "one\n", at(0));
    logs.append_platform(kHello, "two\n", LogFiles::Write::now);
    auto const all = logs.read(kHello, 0, 100);
    CHECK(all.text == "one\ntwo\n");
    CHECK(all.next == 8);
    CHECK(logs.read(kHello, 4, 100).text == "two\n");
    CHECK(logs.read(kHello, 2, 3).text == "e\nt");
    auto const end = logs.read(kHello, 8, 100);
    CHECK(end.text.empty());
    CHECK(end.next == 8);
    auto const beyond = logs.read(kHello, 1'000'000, 100);
    CHECK(beyond.text.empty());
    CHECK(beyond.next == 8);
    CHECK(logs.tail(kHello, 5).text == "\ntwo\n");
    CHECK(logs.tail(kHello, 500).text == "one\ntwo\n");
  }
}

TEST_CASE("positions survive rotation, and the log never holds more than two files") {
  for (bool on_disk : {true, false}) {
    CAPTURE(on_disk);
    Places places;
    auto logs = LogFiles::open(places.options(on_disk, {4096})).value();
    std::string all;
    for (int i = 0; i < 2000; ++i) {
      auto const line = "line " + std::to_string(i) + "\n";
      all += line;
      logs.append(kHello, line, at(i));
      auto const tail = logs.tail(kHello, 1000);
      REQUIRE(tail.text == all.substr(all.size() - std::min<std::size_t>(all.size(), 1000)));
      REQUIRE(tail.next == all.size());
    }
    auto const kept = logs.read(kHello, 0, 1'000'000);
    CHECK(kept.position > 0);
    CHECK(kept.text.size() > 4096);
    CHECK(kept.text.size() <= 2 * 4096);
    CHECK(all.substr(kept.position) == kept.text);
    CHECK(kept.text.substr(0, 5) == "line ");  // rotation cuts between lines
    // Across the seam, byte by byte.
    for (std::size_t p = kept.position; p < all.size(); p += 13) {
      auto const chunk = logs.read(kHello, p, 20);
      REQUIRE(chunk.text == all.substr(p, 20));
      REQUIRE(chunk.next == p + chunk.text.size());
    }
    if (on_disk) CHECK(bytes_below(places.dir.path()) < 2 * 4096 + 100);
  }
}

TEST_CASE("a text larger than a file is cut, not refused") {
  for (bool on_disk : {true, false}) {
    Places places;
    auto logs = LogFiles::open(places.options(on_disk, {4096})).value();
    std::string const text = std::string(10'000, 'x') + "\n";
    logs.append(kHello, text, at(0));
    auto const kept = logs.read(kHello, 0, 100'000);
    CHECK(kept.next == text.size());
    CHECK(kept.text == text.substr(kept.position));
  }
}

TEST_CASE("a log goes on where it was after a restart") {
  Places places;
  auto const options = places.options(true, {4096});
  std::string all;
  std::mt19937 random(5);
  for (int restart = 0; restart < 50; ++restart) {
    auto logs = LogFiles::open(options).value();
    for (unsigned i = 0; i < random() % 40; ++i) {
      auto const line = std::string(random() % 200, static_cast<char>('a' + restart % 26)) + "\n";
      all += line;
      logs.append(kHello, line, at(0));
    }
    auto const kept = logs.read(kHello, 0, 1'000'000);
    REQUIRE(kept.next == all.size());
    REQUIRE(kept.text == all.substr(kept.position));
  }
}

TEST_CASE("a stop between the two steps of a rotation loses nothing") {
  Places places;
  auto const options = places.options(true, {4096});
  auto const folder = places.dir / kHelloLog;
  LogFiles::open(options).value().append(kHello, "before\n", at(0));
  fs::rename(folder + "/current", folder + "/previous");
  auto logs = LogFiles::open(options).value();
  CHECK(logs.read(kHello, 0, 100).text == "before\n");
  logs.append(kHello, "after\n", at(0));
  auto const all = logs.read(kHello, 0, 100);
  CHECK(all.text == "before\nafter\n");
  CHECK(all.next == 13);
}

TEST_CASE("a file that is no log, or was cut short, is written anew") {
  for (std::string damage :
       {"", "faas-log 000", "garbage that is longer than any first line\n",
        "gone-log 00000000000000000000\nforeign\n", "faas-log 0000000000000000000x\nforeign\n",
        "faas-log 00000000000000000000 foreign\n"}) {
    CAPTURE(damage);
    Places places;
    auto const options = places.options(true);
    LogFiles::open(options).value().append(kHello, "before\n", at(0));
    std::ofstream(places.dir / (kHelloLog + "/current"), std::ios::trunc) << damage;
    auto logs = LogFiles::open(options).value();
    CHECK(logs.read(kHello, 0, 100).text.empty());
    logs.append(kHello, "after\n", at(0));
    CHECK(logs.read(kHello, 0, 100).text == "after\n");
    CHECK(LogFiles::open(options).value().read(kHello, 0, 100).text == "after\n");
  }
}

TEST_CASE("a log is a text file of its owner's alone") {
  Places places;
  auto logs = LogFiles::open(places.options(true)).value();
  logs.append(kHello, "hello\n", at(0));
  auto const file = places.dir / (kHelloLog + "/current");
  CHECK(read_file(file) == "faas-log 00000000000000000000\nhello\n");
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  REQUIRE(::stat((places.dir / "logs").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("a name that no function can have has no log and touches no file") {
  Places places;
  std::ofstream(places.dir / "victim") << "precious";
  auto logs = LogFiles::open(places.options(true)).value();
  for (FunctionName const& name :
       {FunctionName("../../victim"), FunctionName(".."), FunctionName(""), FunctionName("a/b"),
        FunctionName(std::string(65, 'x')), FunctionName(std::string("a\0b", 3)),
        FunctionName("../..", "hello"), FunctionName("", "hello")}) {
    logs.append(name, "text\n", at(0));
    CHECK(logs.read(name, 0, 100).text.empty());
    logs.remove(name);
  }
  CHECK(fs::is_empty(places.dir / "logs"));
  CHECK(read_file(places.dir / "victim") == "precious");
}

TEST_CASE("a link laid into a log's place is not followed") {
  Places places;
  std::ofstream(places.dir / "victim") << "precious";
  auto const options = places.options(true);
  fs::create_directories(places.dir / kHelloLog);
  fs::create_symlink(places.dir / "victim", places.dir / (kHelloLog + "/current"));
  auto logs = LogFiles::open(options).value();
  logs.append(kHello, "text\n", at(0));
  CHECK(read_file(places.dir / "victim") == "precious");
}

TEST_CASE("accounts do not share a log") {
  Places places;
  for (bool on_disk : {true, false}) {
    auto logs = LogFiles::open(places.options(on_disk)).value();
    FunctionName const theirs("111111111111", "hello");
    logs.append(kHello, "mine\n", at(0));
    logs.append(theirs, "theirs\n", at(0));
    CHECK(logs.read(kHello, 0, 100).text == "mine\n");
    CHECK(logs.read(theirs, 0, 100).text == "theirs\n");
  }
}

TEST_CASE("a removed log is gone and begins at 0 again") {
  for (bool on_disk : {true, false}) {
    Places places;
    auto logs = LogFiles::open(places.options(on_disk, {4096})).value();
    for (int i = 0; i < 200; ++i) logs.append(kHello, std::string(99, 'x') + "\n", at(0));
    logs.append(FunctionName("other"), "stays\n", at(0));
    logs.remove(kHello);
    if (on_disk) CHECK_FALSE(fs::exists(places.dir / kHelloLog));
    CHECK(logs.read(kHello, 0, 100).text.empty());
    logs.append(kHello, "new\n", at(0));
    CHECK(logs.read(kHello, 0, 100).text == "new\n");
    CHECK(logs.read(FunctionName("other"), 0, 100).text == "stays\n");
  }
}

TEST_CASE("text beyond the rate is dropped by whole lines, and a line says how much") {
  for (bool on_disk : {true, false}) {
    Places places;
    auto options = places.options(on_disk);
    options.rate = {100};
    auto logs = LogFiles::open(options).value();
    std::string const line = std::string(29, 'x') + "\n";
    logs.append(kHello, line + line + line + line,
                at(0));                       // 120 bytes: the fourth line is too much
    logs.append(kHello, "short\n", at(999));  // would fit, but follows a dropped one
    CHECK(logs.read(kHello, 0, 1000).text == line + line + line);
    logs.append(kHello, "next second\n", at(1000));
    auto const text = logs.read(kHello, 0, 1000).text;
    CHECK(text == line + line + line +
                      "LOGS_DROPPED 36 bytes: more than 100 bytes a second, or no room for them\n"
                      "next second\n");
  }
}

TEST_CASE("a platform line is never dropped, and follows what was") {
  auto logs = LogFiles::open({.rate = {10}}).value();
  logs.append(kHello, std::string(50, 'x') + "\n", at(0));
  logs.append_platform(kHello, "END RequestId: 1\n", LogFiles::Write::now);
  CHECK(logs.read(kHello, 0, 1000).text ==
        "LOGS_DROPPED 51 bytes: more than 10 bytes a second, or no room for them\nEND RequestId: "
        "1\n");
}

TEST_CASE("a function that writes without end harms only its own log") {
  for (bool on_disk : {true, false}) {
    Places places;
    auto options = places.options(on_disk);
    auto logs = LogFiles::open(options).value();
    FunctionName const neighbour("neighbour");
    logs.append(neighbour, "calm\n", at(0));
    std::string const flood(1 << 20, 'x');
    std::string lines;
    for (std::size_t i = 0; i < flood.size(); i += 64) lines += std::string(63, 'x') + "\n";
    for (int i = 0; i < 2048; ++i) logs.append(kHello, lines, at(i));  // 2 GiB in two seconds
    logs.append_platform(kHello, "END RequestId: 1\n", LogFiles::Write::now);
    CHECK(logs.read(neighbour, 0, 100).text == "calm\n");
    if (on_disk) CHECK(bytes_below(places.dir.path()) < 3 << 20);
    auto const kept = logs.read(kHello, 0, 100 << 20);
    CHECK(kept.text.size() <= 2 << 20);
    CHECK(kept.next < 16 << 20);
    CHECK(kept.text.find("LOGS_DROPPED") != std::string::npos);
  }
}

TEST_CASE("logs in memory stay within their budget: the one written longest ago goes") {
  auto logs = LogFiles::open({.memory = {100'000}}).value();
  for (int i = 0; i < 200; ++i) {
    logs.append(FunctionName("f" + std::to_string(i)), std::string(9'999, 'x') + "\n", at(0));
  }
  std::size_t kept = 0;
  for (int i = 0; i < 200; ++i) {
    kept += logs.read(FunctionName("f" + std::to_string(i)), 0, 100'000).text.size();
  }
  CHECK(kept <= 100'000);
  CHECK(kept >= 80'000);
  CHECK(logs.read(FunctionName("f199"), 0, 100'000).text.size() == 10'000);
}

TEST_CASE("many functions take few descriptors, and each keeps its log") {
  Places places;
  auto options = places.options(true);
  options.open_files = 8;
  auto logs = LogFiles::open(options).value();
  auto open_files = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), {}); };
  auto const before = open_files();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      logs.append(FunctionName("f" + std::to_string(i)), std::to_string(round) + "\n", at(0));
    }
  }
  CHECK(open_files() <= before + 8);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(logs.read(FunctionName("f" + std::to_string(i)), 0, 100).text == "0\n1\n2\n");
  }
}

TEST_CASE("several writers share out the bounds, and leave what one would") {
  Places places;
  auto options = places.options(true);
  options.open_files = 8;
  options.writers = 4;
  auto const name = [](int i) { return FunctionName("f" + std::to_string(i)); };
  {
    auto logs = LogFiles::open(options).value();
    auto const open_files = [] {
      return std::distance(fs::directory_iterator("/proc/self/fd"), {});
    };
    auto const before = open_files();
    std::vector<std::jthread> writers;
    for (int w = 0; w < 4; ++w) {
      writers.emplace_back([&, w] {
        for (int i = 0; i < 100; ++i) {
          logs.append(name(i), "one\n", at(0));
          logs.append_platform(name(1000 + w), "own\n", LogFiles::Write::with_next);
        }
      });
    }
    writers.clear();
    CHECK(open_files() <= before + 8);
    CHECK(logs.stored().size() >= 100);
  }
  options.writers = 1;
  auto logs = LogFiles::open(options).value();
  for (int i = 0; i < 100; ++i) REQUIRE(logs.read(name(i), 0, 100).text == "one\none\none\none\n");
  for (int w = 0; w < 4; ++w) CHECK(logs.read(name(1000 + w), 0, 1000).text.size() == 400);
  auto memory = LogFiles::open({.memory = {100'000}, .writers = 4}).value();
  std::size_t kept = 0;
  for (int i = 0; i < 200; ++i) memory.append(name(i), std::string(9'999, 'x') + "\n", at(0));
  for (int i = 0; i < 200; ++i) kept += memory.read(name(i), 0, 100'000).text.size();
  CHECK(kept <= 100'000);
  CHECK(kept > 0);
}

TEST_CASE("a line that waits is written with the next, and is there for every reader") {
  Places places;
  auto const file = places.dir / (kHelloLog + "/current");
  {
    auto logs = LogFiles::open(places.options(true)).value();
    logs.append_platform(kHello, "START 1\n", LogFiles::Write::with_next);
    CHECK_FALSE(fs::exists(file));
    CHECK(logs.read(kHello, 0, 100).text == "START 1\n");
    logs.append_platform(kHello, "START 2\n", LogFiles::Write::with_next);
    CHECK(logs.tail(kHello, 8).text == "START 2\n");
    logs.append_platform(kHello, "START 3\n", LogFiles::Write::with_next);
    logs.append(kHello, "words\n", at(0));
    CHECK(read_file(file).ends_with("START 3\nwords\n"));
    logs.append_platform(kHello, "START 4\n", LogFiles::Write::with_next);
    logs.append_platform(kHello, "END 4\n", LogFiles::Write::now);
    CHECK(read_file(file).ends_with("START 4\nEND 4\n"));
    for (int i = 0; i < 1000; ++i)
      logs.append_platform(kHello, "START 5\n", LogFiles::Write::with_next);
    CHECK(fs::file_size(file) > 3000);  // not all of them wait in memory
    logs.append_platform(kHello, "START 6\n", LogFiles::Write::with_next);
  }
  CHECK(read_file(file).ends_with("START 6\n"));
}

TEST_CASE("a line that waits goes to disk with its log's descriptor, and goes with its log") {
  Places places;
  auto options = places.options(true);
  options.open_files = 1;
  auto logs = LogFiles::open(options).value();
  logs.append_platform(kHello, "START 1\n", LogFiles::Write::with_next);
  logs.append(FunctionName("other"), "x\n", at(0));
  CHECK(read_file(places.dir / (kHelloLog + "/current")).ends_with("START 1\n"));
  logs.append_platform(kHello, "START 2\n", LogFiles::Write::with_next);
  logs.remove(kHello);
  CHECK(logs.read(kHello, 0, 100).text.empty());
}

TEST_CASE("what the disk refuses is counted, and told once there is room") {
  Places places;
  auto const options = places.options(true);
  pid_t const child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto logs = LogFiles::open(options).value();
    logs.append(kHello, "before\n", at(0));
    rlimit limit{64, 1'000'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    logs.append(kHello, std::string(99, 'x') + "\n", at(0));
    limit.rlim_cur = 1'000'000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    logs.append_platform(kHello, "after\n", LogFiles::Write::now);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(status == 0);
  CHECK(LogFiles::open(options).value().read(kHello, 0, 1000).text ==
        "before\nLOGS_DROPPED 100 bytes: more than 1048576 bytes a second, or no room for "
        "them\nafter\n");
}

TEST_CASE("the logs on disk are known by their id, and those of nobody can be removed") {
  Places places;
  auto const options = places.options(true);
  FunctionName const gone("gone");
  auto const path = [&](FunctionName const& name) {
    return options.directory + "/" + *log_id(name);
  };
  auto logs = LogFiles::open(options).value();
  logs.append(kHello, "kept\n", at(0));
  logs.append(gone, "removed\n", at(0));
  std::filesystem::create_directory(options.directory + "/not-a-log");
  logs = LogFiles::open(options).value();
  CHECK(logs.stored() == std::set<std::string>{*log_id(kHello), *log_id(gone)});
  logs.remove_stored({*log_id(gone), "not-a-log"});
  CHECK(logs.read(kHello, 0, 100).text == "kept\n");
  CHECK_FALSE(std::filesystem::exists(path(gone)));
  CHECK(std::filesystem::exists(options.directory + "/not-a-log"));
}

TEST_CASE("logs in memory are not among those on disk") {
  Places places;
  auto logs = LogFiles::open(places.options(false)).value();
  logs.append(kHello, "text\n", at(0));
  CHECK(logs.stored().empty());
}

TEST_CASE("a log directory that cannot be made is named") {
  auto logs = LogFiles::open({.directory = "/proc/none/logs"});
  REQUIRE(logs.has_error());
  CHECK(logs.error().message.find("/proc/none/logs") != std::string::npos);
}

TEST_CASE("a log lies under a digest, never under a name that somebody chose") {
  CHECK(log_id(kHello)->size() == 32);
  CHECK(log_id(kHello)->find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(log_id(kHello) != log_id(FunctionName("hell0")));
  CHECK(log_id(kHello) != log_id(FunctionName("111111111111", "hello")));
  CHECK_FALSE(log_id(FunctionName("../hello")).has_value());
}
