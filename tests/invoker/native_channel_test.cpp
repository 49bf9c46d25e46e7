#include "invoker/native_channel.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "invoker/channel.hpp"

using namespace faas;
using namespace faas::test;

namespace {

constexpr int kInMemfd = FAAS_IN_MEMFD_ | FAAS_ASKS_;

bool contains(std::string const& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t open_files() {
  auto const all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::int64_t size_of(sys::Fd const& fd) {
  struct stat status {};
  REQUIRE(::fstat(fd.get(), &status) == 0);
  return status.st_size;
}

}  // namespace

TEST_CASE("a small event is one record, and its answer may come with the next request") {
  Channel channel(Channel::Ready{});
  CHECK(channel.host->idle());
  channel.call("event");
  auto const sent = channel.take();
  CHECK(sent.ends_with("event"));
  CHECK(channel.taken_fds.empty());
  channel.give(record(FAAS_RESPONSE_, 1, "a/b", "answer", FAAS_ASKS_));
  CHECK(channel.answer == "answer");
  CHECK(channel.answers == 1);
  CHECK(channel.host->idle());
}

TEST_CASE("a large event is lent: nobody can change it, and it is taken back with the answer") {
  Channel channel(Channel::Ready{});
  std::string const event(100'000, 'y');
  channel.call(event);
  auto const sent = channel.take();
  CHECK(sent.size() == sizeof(faas_header_));
  REQUIRE(channel.taken_fds.size() == 1);
  auto const lent = std::move(channel.taken_fds[0]);
  auto const size = static_cast<std::size_t>(size_of(lent));
  std::string read(size, '\0');
  REQUIRE(::pread(lent.get(), read.data(), size, 0) == static_cast<ssize_t>(size));
  CHECK(read.ends_with(event + '\0'));
  CHECK(::pwrite(lent.get(), "X", 1, 0) == -1);
  CHECK(::ftruncate(lent.get(), 1 << 20) == -1);  // in a jail it would be memory beyond its limit
  channel.give(record(FAAS_HEAD_, 1, "a/b"));
  CHECK(size_of(lent) > 0);
  channel.give(record(FAAS_END_, 1, {}, {}, FAAS_ASKS_));
  CHECK(size_of(lent) == 0);  // who keeps it open keeps nothing
}

TEST_CASE("what was lent is taken back from a jail that is ended, too") {
  Channel channel(Channel::Ready{});
  channel.call(std::string(100'000, 'y'));
  channel.take();
  auto const lent = std::move(channel.taken_fds.at(0));
  channel.host.reset();
  CHECK(size_of(lent) == 0);
}

TEST_CASE("a sealed memfd is copied, from a hole, too, and closed") {
  Channel channel(Channel::Ready{});
  auto const files = open_files();
  channel.call("e");
  std::string const bytes = "a/b" + std::string(3'000'000, 'z');
  channel.give(record(FAAS_RESPONSE_, 1, "a/b", std::string_view(bytes).substr(3), kInMemfd),
               {memfd(bytes, kAllSeals).get()});
  channel.run_until([&] { return channel.answers == 1; });
  CHECK(channel.answer == bytes.substr(3));
  channel.answer.clear();
  channel.call("e");
  sys::Fd hole(::memfd_create("hole", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(hole.get(), 1'000'000) == 0);
  REQUIRE(::fcntl(hole.get(), F_ADD_SEALS, kAllSeals) == 0);
  std::string const nothing(1'000'000, '\0');
  channel.give(record(FAAS_RESPONSE_, 2, {}, nothing, kInMemfd), {hole.get()});
  hole.reset();
  channel.run_until([&] { return channel.answers == 2; });
  CHECK(channel.answer == nothing);
  CHECK(open_files() == files);
}

TEST_CASE("a memfd is read no faster than its reader takes it") {
  Channel channel(Channel::Ready{});
  channel.call("e");
  channel.room = false;
  std::string const bytes(1'000'000, 'z');
  channel.give(record(FAAS_RESPONSE_, 1, {}, bytes, kInMemfd), {memfd(bytes, kAllSeals).get()});
  CHECK(channel.answer.size() == 65'536);
  channel.host->resume();
  channel.turn();
  CHECK(channel.answer.size() == 2 * 65'536);
  channel.room = true;
  channel.host->resume();
  channel.run_until([&] { return channel.answers == 1; });
  CHECK(channel.answer == bytes);
}

TEST_CASE("a payload that is not a sealed memfd of its size ends the instance, and is closed") {
  auto const told = [](std::string const& frame, std::vector<int> fds) {
    Channel channel(Channel::Ready{});
    channel.call("e");
    auto const before = open_files();
    iovec const part{const_cast<char*>(frame.data()), frame.size()};
    REQUIRE(sys::send_message(channel.guest.get(), {&part, 1}, fds).value());
    channel.turn();
    CHECK(open_files() == before);
    CHECK(channel.answer.empty() == channel.ended.has_value());
    return channel.why();
  };
  auto const frame = record(FAAS_RESPONSE_, 1, {}, "four", kInMemfd);
  for (int const missing : {F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE}) {
    CAPTURE(missing);
    CHECK(contains(told(frame, {memfd("four", kAllSeals & ~missing).get()}), "sealed"));
  }
  CHECK(told(frame, {memfd("four", kAllSeals).get()}).empty());
  CHECK(contains(told(frame, {memfd("five5", kAllSeals).get()}), "of its size"));
  CHECK(contains(told(frame, {memfd("abc", kAllSeals).get()}), "of its size"));
  CHECK(contains(told(frame, {}), "no memfd"));
  auto const first = memfd("four", kAllSeals), second = memfd("four", kAllSeals);
  CHECK(contains(told(frame, {first.get(), second.get()}), "no memfd"));
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  sys::Fd const reader(ends[0]), writer(ends[1]);
  CHECK(contains(told(frame, {reader.get()}), "no memfd"));
  sys::Fd const zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  CHECK(contains(told(frame, {zero.get()}), "no memfd"));
  CHECK(contains(told(record(FAAS_RESPONSE_, 1), {zero.get()}), "that has none"));
  CHECK(contains(told(record(FAAS_READY_, 0), {zero.get()}), "that has none"));
}

TEST_CASE("more descriptors than fit are closed, and end the instance") {
  Channel channel(Channel::Ready{});
  channel.call("e");
  auto const before = open_files();
  sys::Fd const zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  alignas(cmsghdr) char control[CMSG_SPACE(200 * sizeof(int))] = {};
  auto frame = record(FAAS_RESPONSE_, 1);
  iovec part{frame.data(), frame.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(200 * sizeof(int));
  std::fill_n(reinterpret_cast<int*>(CMSG_DATA(c)), 200, zero.get());
  REQUIRE(::sendmsg(channel.guest.get(), &message, 0) > 0);
  channel.turn();
  CHECK(contains(channel.why(), "too many descriptors"));
  CHECK(open_files() == before + 1);
}

TEST_CASE("an answer to an event in a memfd that was not read ends the instance") {
  Channel channel(Channel::Ready{});
  std::string const event(100'000, 'y');
  channel.call(event);  // not read
  channel.give(record(FAAS_RESPONSE_, 1, {}, {}, FAAS_ASKS_));
  CHECK(channel.answers == 1);
  channel.call(event);
  CHECK(contains(channel.why(), "that it has not read"));
}

TEST_CASE("an event that the socket does not take waits for room, and arrives once") {
  Channel channel(Channel::Ready{});
  // Answers without reading until the socket is full.
  std::string const event(3000, 'y');
  std::uint64_t call = 0;
  for (int i = 0; i < 500; ++i) {
    channel.call(event);
    ++call;
    if (i < 499) channel.give(record(FAAS_RESPONSE_, call, {}, {}, FAAS_ASKS_));
  }
  CHECK(channel.answers == 499);
  std::uint64_t last = 0;
  auto const read_all = [&] {
    for (auto got = channel.take(); !got.empty(); got = channel.take()) {
      faas_header_ head;
      std::memcpy(&head, got.data(), sizeof head);
      CHECK(head.call > last);
      last = head.call;
    }
  };
  read_all();
  CHECK(last < call);  // it was full
  channel.run_until([&] { return read_all(), last == call; });
  channel.give(record(FAAS_RESPONSE_, call, {}, {}, FAAS_ASKS_));
  CHECK(channel.answers == 500);
}

TEST_CASE("a channel that closes has the grace of an exit, then its instance is ended") {
  InvokerOptions options;
  options.shutdown_grace = 50ms;
  Channel channel(Channel::Ready{}, options);
  channel.call("e");
  channel.guest.reset();
  channel.turn();
  CHECK_FALSE(channel.ended);
  channel.run_until([&] { return channel.ended.has_value(); });
  CHECK(contains(channel.why(), "channel closed"));
}

TEST_CASE("a record without bytes is no way to keep the host reading") {
  InvokerOptions options;
  options.shutdown_grace = 50ms;
  Channel channel(Channel::Ready{}, options);
  channel.give({});
  channel.give(record(FAAS_PART_, 7, {}, "not read any more"));
  channel.run_until([&] { return channel.ended.has_value(); });
  CHECK(contains(channel.why(), "frame without bytes"));
}

TEST_CASE("what a jail that has ended left in its socket completes its call") {
  Channel channel(Channel::Ready{});
  channel.call("e");
  channel.take();
  auto const bytes = record(FAAS_RESPONSE_, 1, {}, "last");
  iovec const part{const_cast<char*>(bytes.data()), bytes.size()};
  REQUIRE(sys::send_message(channel.guest.get(), {&part, 1}, {}).value());
  channel.guest.reset();
  channel.host->drain();
  CHECK(channel.answers == 1);
  CHECK(channel.answer == "last");
}

TEST_CASE("frames that move no call are read at their pace") {
  InvokerOptions options;
  options.chatter_rate = 1000;
  Channel channel(Channel::Ready{}, options);
  channel.call("e");
  auto const late = record(FAAS_RESPONSE_, 77);
  iovec const part{const_cast<char*>(late.data()), late.size()};
  auto const begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 3000;) {
    if (sys::send_message(channel.guest.get(), {&part, 1}, {}).value()) ++i;
    channel.turn();
  }
  CHECK(std::chrono::steady_clock::now() - begun > 1s);
  CHECK_FALSE(channel.ended);
}
