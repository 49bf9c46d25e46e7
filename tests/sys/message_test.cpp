#include "sys/message.hpp"

#include <sys/socket.h>

#include <array>
#include <string>

#include "words.hpp"

using namespace faas;
using namespace faas::test;

namespace {

struct Pair {
  std::pair<sys::Fd, sys::Fd> ends = sys::seqpacket_pair().value();

  Result<bool> send(std::string_view text, std::vector<int> const& fds = {}) const {
    iovec const part{const_cast<char*>(text.data()), text.size()};
    return sys::send_message(ends.first.get(), {&part, 1}, fds);
  }
  // The text of a record and the descriptors with it.
  std::pair<std::string, std::vector<sys::Fd>> receive() {
    auto message = sys::receive_message(ends.second.get(), buffer);
    REQUIRE_MESSAGE(message.has_value(), message.error().message);
    return {std::string(reinterpret_cast<char const*>(buffer.data()), message->size),
            std::move(message->fds)};
  }

  std::array<std::byte, 64> buffer{};
};

std::pair<sys::Fd, sys::Fd> new_pipe() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  return {sys::Fd(ends[0]), sys::Fd(ends[1])};
}

}  // namespace

TEST_CASE("a record arrives as it was sent, its parts joined and never with the next") {
  Pair pair;
  std::string first = "one ", second = "record";
  iovec const parts[] = {{first.data(), first.size()}, {second.data(), second.size()}};
  REQUIRE(sys::send_message(pair.ends.first.get(), parts, {}).value());
  REQUIRE(pair.send("another").value());
  auto const [text, fds] = pair.receive();
  CHECK(text == "one record");
  CHECK(fds.empty());
  CHECK(pair.receive().first == "another");
}

TEST_CASE("neither end of a pair is inherited by a program that is executed") {
  Pair const pair;
  CHECK(closes_on_exec(pair.ends.first.get()));
  CHECK(closes_on_exec(pair.ends.second.get()));
}

TEST_CASE("descriptors arrive in their order, work, and belong to who received them") {
  Pair pair;
  auto [out, in] = new_pipe();
  auto const null = sys::open_file("/dev/null", O_RDWR).value();
  REQUIRE(pair.send("two", {null.get(), in.get()}).value());
  in.reset();
  std::array<std::byte, 4> buffer{};
  {
    auto const [text, fds] = pair.receive();
    CHECK(text == "two");
    REQUIRE(fds.size() == 2);
    CHECK(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fds[0].get())) ==
          "/dev/null");
    CHECK(closes_on_exec(fds[0].get()));
    CHECK(closes_on_exec(fds[1].get()));
    REQUIRE(sys::write_all(fds[1].get(), sys::bytes_of("hey"), "pipe").has_value());
    CHECK(sys::read_some(out.get(), buffer).value() == 3);
  }
  CHECK(sys::read_some(out.get(), buffer).value() == 0);  // the last writer is closed
}

TEST_CASE("as many descriptors as a message may have arrive") {
  Pair pair;
  auto const null = sys::open_file("/dev/null", O_RDWR).value();
  REQUIRE(pair.send("eight", std::vector(8, null.get())).value());
  auto const [text, fds] = pair.receive();
  CHECK(fds.size() == 8);
  for (auto const& fd : fds) CHECK(is_open(fd.get()));
}

TEST_CASE("no message is not an end and not a wait") {
  Pair pair;
  auto const none = sys::receive_message(pair.ends.second.get(), pair.buffer);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == Errc::unavailable);
}

TEST_CASE("a full socket takes nothing, and every record it took arrives") {
  Pair pair;
  int sent = 0;
  Result<bool> taken = true;
  while ((taken = pair.send("record " + std::to_string(sent))).has_value() && *taken) ++sent;
  REQUIRE(taken.has_value());
  REQUIRE(sent > 0);
  for (int i = 0; i < sent; ++i) CHECK(pair.receive().first == "record " + std::to_string(i));
  auto const none = sys::receive_message(pair.ends.second.get(), pair.buffer);
  CHECK(none.error().code == Errc::unavailable);
  CHECK(pair.send("again").value());
}

TEST_CASE("a peer that is gone is a message of size 0 here and an error there, never a signal") {
  Pair pair;
  REQUIRE(pair.send("last words").value());
  pair.ends.first.reset();
  CHECK(pair.receive().first == "last words");
  CHECK(sys::receive_message(pair.ends.second.get(), pair.buffer).value().size == 0);

  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);  // this kind raises it
  Pair other{{sys::Fd(ends[0]), sys::Fd(ends[1])}};
  other.ends.second.reset();
  auto const sent = other.send("into the void");
  REQUIRE_FALSE(sent.has_value());
  CHECK(sent.error().message == "sendmsg: Broken pipe");
}

TEST_CASE("a record longer than the buffer is cut to it, and the next is whole") {
  Pair pair;
  std::string const longer(pair.buffer.size() + 10, 'x');
  REQUIRE(pair.send(longer).value());
  REQUIRE(pair.send("next").value());
  CHECK(pair.receive().first == longer.substr(0, pair.buffer.size()));
  CHECK(pair.receive().first == "next");
}

TEST_CASE("a record that no socket can hold is an error, not a wait for room") {
  Pair const pair;
  CHECK(pair.send(std::string(16 << 20, 'x')).error().message == "sendmsg: Message too long");
}
