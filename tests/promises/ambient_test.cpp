#include <fcntl.h>
#include <sys/mman.h>

#include <thread>

#include "promises/host.hpp"

using namespace promises;

namespace {

// Standard output and error go to a file while this lives.
class CapturedStreams {
 public:
  CapturedStreams() : file_(::memfd_create("streams", MFD_CLOEXEC)) {
    std::fflush(nullptr);
    for (int fd : {1, 2}) {
      saved_[fd] = ::fcntl(fd, F_DUPFD_CLOEXEC, 100);
      ::dup2(file_, fd);
    }
  }
  ~CapturedStreams() {
    std::fflush(nullptr);
    for (int fd : {1, 2}) {
      ::dup2(saved_[fd], fd);
      ::close(saved_[fd]);
    }
    ::close(file_);
  }
  std::string text() const {
    std::fflush(nullptr);
    return slurp("/proc/self/fd/" + std::to_string(file_));
  }

 private:
  int file_;
  int saved_[3] = {};
};

}  // namespace

TEST_CASE("the library has two threads at most, from open to close") {
  asio::io_context io;
  std::thread([] {}).join();  // TSan starts a helper of its own with the first thread
  auto const before = threads();
  auto runtime = open(io);
  CHECK(threads() <= before + 2);
  deploy(io, runtime, "echo", kEcho);
  CHECK(call(io, runtime, "echo").ok());
  CHECK(threads() <= before + 2);
  close(io, runtime);
  CHECK(threads() == before);
}

TEST_CASE("no signal disposition, mask, environment variable, directory or stream changes") {
  asio::io_context io;
  auto const before = Ambient::now();
  auto runtime = open(io);
  CHECK(Ambient::now() == before);
  deploy(io, runtime, "echo", kEcho);
  call(io, runtime, "echo");
  CHECK(Ambient::now() == before);
  close(io, runtime);
  CHECK(Ambient::now() == before);
}

TEST_CASE(
    "nothing is written to the host's streams, whatever functions print and however they end") {
  std::string written;
  {
    CapturedStreams const streams;
    asio::io_context io;
    auto runtime = open(io);
    deploy(io, runtime, "loud",
           "import os, sys\n"
           "def handler(event, context):\n"
           "    print('to stdout'); print('to stderr', file=sys.stderr); sys.stdout.flush()\n"
           "    if event.get('exit'): os._exit(3)\n"
           "    if event.get('raise'): raise ValueError('x')\n"
           "    return 1\n");
    call(io, runtime, "loud");
    call(io, runtime, "loud", R"({"raise": true})");
    call(io, runtime, "loud", R"({"exit": true})");
    close(io, runtime);
    written = streams.text();
  }
  CHECK(written == "");
}

TEST_CASE("descriptors are given back") {
  asio::io_context io;
  auto descriptors = [] {
    auto const all = fs::directory_iterator("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  auto cycle = [&io] {
    auto runtime = open(io);
    deploy(io, runtime, "echo", kEcho);
    call(io, runtime, "echo");
    close(io, runtime);
  };
  cycle();  // what the loop itself keeps
  auto const before = descriptors();
  cycle();
  CHECK(descriptors() == before);
}
