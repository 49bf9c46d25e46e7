#include "http/client_socket.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>

using namespace faas::http;
using faas::http::asio::ip::tcp;
using Clock = std::chrono::steady_clock;

namespace {

struct Pair {
  asio::io_context io;
  tcp::socket client{io};
  std::shared_ptr<ClientSocket> server;

  Pair() {
    tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
    client.connect(acceptor.local_endpoint());
    server = std::make_shared<ClientSocket>(acceptor.accept());
  }
  ~Pair() {
    server->close();
    io.restart();
    io.run();
  }

  template <class T>
  std::future<T> begin(asio::awaitable<T> operation) {
    auto future = asio::co_spawn(io, std::move(operation), asio::use_future);
    io.restart();
    io.poll();
    return future;
  }
  template <class T>
  T finish(std::future<T> future) {
    io.restart();
    while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) io.run_one();
    return future.get();
  }

  std::future<std::size_t> begin_read(Clock::duration time = std::chrono::hours(1)) {
    return begin(server->read_some(asio::buffer(space), Clock::now() + time));
  }

  std::array<char, 100> space{};
};

}  // namespace

TEST_CASE("what the client sends is read, and its end is no byte") {
  Pair pair;
  auto read = pair.begin_read();
  asio::write(pair.client, asio::buffer("hello", 5));
  CHECK(pair.finish(std::move(read)) == 5);
  pair.client.close();
  CHECK(pair.finish(pair.begin_read()) == 0);
  CHECK_FALSE(pair.server->late());
}

TEST_CASE("a read ends at its time, and the connection stays") {
  Pair pair;
  CHECK(pair.finish(pair.begin_read(std::chrono::milliseconds(1))) == 0);
  CHECK(pair.server->late());
  auto read = pair.begin_read();
  asio::write(pair.client, asio::buffer("x", 1));
  CHECK(pair.finish(std::move(read)) == 1);
  CHECK_FALSE(pair.server->late());
}

TEST_CASE("a wait that must end before the one before it does so") {
  Pair pair;
  asio::write(pair.client, asio::buffer("x", 1));
  CHECK(pair.finish(pair.begin_read(std::chrono::hours(1))) == 1);
  CHECK(pair.finish(pair.begin_read(std::chrono::milliseconds(1))) == 0);
  CHECK(pair.server->late());
}

TEST_CASE("a wait may end after the one before it would have") {
  Pair pair;
  asio::write(pair.client, asio::buffer("x", 1));
  CHECK(pair.finish(pair.begin_read(std::chrono::milliseconds(20))) == 1);
  auto const begun = Clock::now();
  CHECK(pair.finish(pair.begin_read(std::chrono::milliseconds(60))) == 0);
  CHECK(Clock::now() - begun >= std::chrono::milliseconds(60));
}

TEST_CASE("a writer waits for room no longer than it may") {
  Pair pair;
  std::string const bytes(64 << 20, 'x');
  std::string_view first = bytes, second = "end";
  CHECK(pair.server->send(first, second));
  CHECK(!first.empty());
  CHECK(second == "end");
  auto wait = pair.server->writable(Clock::now() + std::chrono::milliseconds(1));
  CHECK_FALSE(pair.finish(pair.begin(std::move(wait))));
  CHECK(pair.server->late());
}

TEST_CASE("what rests is stopped at once, what works only if nothing shall wait for it") {
  Pair pair;
  CHECK(pair.server->work());
  pair.server->stop(ClientSocket::Stop::resting);
  CHECK_FALSE(pair.server->stopped());
  pair.server->rest();
  auto read = pair.begin_read();
  pair.server->stop(ClientSocket::Stop::resting);
  CHECK(pair.finish(std::move(read)) == 0);
  CHECK_FALSE(pair.server->late());
  CHECK_FALSE(pair.server->work());

  Pair other;
  CHECK(other.server->work());
  other.server->stop(ClientSocket::Stop::at_once);
  CHECK(other.server->stopped());
  CHECK(other.finish(other.begin_read()) == 0);
  boost::system::error_code error;
  char byte;
  asio::read(other.client, asio::buffer(&byte, 1), error);
  CHECK(error == asio::error::eof);
}

TEST_CASE("who has gone is seen") {
  Pair pair;
  CHECK_FALSE(pair.server->peer_left());
  pair.client.shutdown(tcp::socket::shutdown_send);
  CHECK(pair.server->peer_left());
}
