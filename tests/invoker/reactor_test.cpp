#include "invoker/reactor.hpp"

#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <vector>

#include "sys/fd.hpp"

using namespace faas;
using namespace faas::invoker;
using namespace std::chrono_literals;

namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends;
    REQUIRE(::pipe(ends.data()) == 0);
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
  sys::Fd read, write;
};

struct Told final : Source {
  std::function<void()> then = [] {};
  int times = 0;
  void on_ready(std::uint32_t) override {
    ++times;
    then();
  }
};

struct Fixture {
  boost::asio::io_context io;
  std::shared_ptr<std::mutex> mutex = std::make_shared<std::mutex>();
  std::unique_ptr<Reactor> reactor = Reactor::open(io.get_executor(), mutex).value();
};

}  // namespace

TEST_CASE("without a hold there is no work, whatever is watched and however ready it is") {
  Fixture f;
  Pipe pipe;
  Told told;
  REQUIRE(f.reactor->watch(pipe.read.get(), EPOLLIN, &told).has_value());
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  bool fired = false;
  f.reactor->at(std::chrono::steady_clock::now(), [&] { fired = true; });
  CHECK(f.io.run() == 0);
  CHECK(told.times == 0);
  CHECK_FALSE(fired);
}

TEST_CASE("with a hold readiness and timers come, and the loop ends when it is released") {
  Fixture f;
  Pipe pipe;
  Told told;
  Hold hold(*f.reactor);
  told.then = [&] {
    f.reactor->forget(pipe.read.get(), &told);
    f.reactor->at(std::chrono::steady_clock::now() + 5ms, [&] { hold = Hold(); });
  };
  REQUIRE(f.reactor->watch(pipe.read.get(), EPOLLIN, &told).has_value());
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  f.io.run();
  CHECK(told.times == 1);
}

TEST_CASE("a source that is forgotten by another one of the same batch is not told") {
  Fixture f;
  Pipe one, two;
  Told first, second;
  Hold hold(*f.reactor);
  auto const end = [&](Told& other, Pipe& pipe) {
    f.reactor->forget(pipe.read.get(), &other);
    hold = Hold();
  };
  first.then = [&] { end(second, two); };
  second.then = [&] { end(first, one); };
  REQUIRE(f.reactor->watch(one.read.get(), EPOLLIN, &first).has_value());
  REQUIRE(f.reactor->watch(two.read.get(), EPOLLIN, &second).has_value());
  REQUIRE(::write(one.write.get(), "x", 1) == 1);
  REQUIRE(::write(two.write.get(), "x", 1) == 1);
  f.io.run_one();
  CHECK(first.times + second.times == 1);
}

TEST_CASE("timers come in order of time, cancelled ones not at all") {
  Fixture f;
  std::vector<int> order;
  Hold hold(*f.reactor);
  auto const start = std::chrono::steady_clock::now();
  f.reactor->at(start + 20ms, [&] {
    order.push_back(3);
    hold = Hold();
  });
  f.reactor->at(start + 1ms, [&] { order.push_back(1); });
  auto const never = f.reactor->at(start + 2ms, [&] { order.push_back(0); });
  f.reactor->at(start + 3ms, [&] { order.push_back(2); });
  f.reactor->cancel(never);
  f.io.run();
  CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("a hold taken while the loop already runs is served by it") {
  Fixture f;
  Hold outer(*f.reactor), inner;
  int fired = 0;
  f.reactor->at(std::chrono::steady_clock::now(), [&] {
    outer = Hold();
    inner = Hold(*f.reactor);
    f.reactor->at(std::chrono::steady_clock::now() + 1ms, [&] {
      ++fired;
      inner = Hold();
    });
  });
  f.io.run();
  CHECK(fired == 1);
}
