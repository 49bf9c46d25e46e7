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

// Readable all the time; says how it was told.
struct Answers final : Source {
  explicit Answers(Reactor& r) : reactor(r) {}
  Reactor& reactor;
  bool ready = true;
  int expected = 0, asked = 0, left = 0;
  Hold hold{reactor};

  void on_ready(std::uint32_t) override {
    ++asked;
    turn();
  }
  bool on_expected() override {
    ++expected;
    if (ready) turn();
    return ready;
  }
  void turn() {
    reactor.expect(this);
    if (--left == 0) hold = Hold();
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

TEST_CASE("who answers one after the other is read without asking, but for every 17th time") {
  Fixture f;
  Pipe pipe;
  Answers answers(*f.reactor);
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  REQUIRE(f.reactor->watch(pipe.read.get(), EPOLLIN, &answers).has_value());
  answers.left = 34;
  f.io.run();
  CHECK(answers.asked == 2);
  CHECK(answers.expected == 32);
}

TEST_CASE("a guess that failed is not made again for 16 turns") {
  Fixture f;
  Pipe pipe;
  Answers answers(*f.reactor);
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  REQUIRE(f.reactor->watch(pipe.read.get(), EPOLLIN, &answers).has_value());
  answers.ready = false;
  answers.left = 35;
  f.io.run();
  CHECK(answers.asked == 35);
  CHECK(answers.expected == 2);
}

TEST_CASE("who is forgotten is expected no more") {
  Fixture f;
  Pipe pipe;
  Answers answers(*f.reactor);
  REQUIRE(f.reactor->watch(pipe.read.get(), EPOLLIN, &answers).has_value());
  f.reactor->expect(&answers);
  f.reactor->forget(pipe.read.get(), &answers);
  f.reactor->at(std::chrono::steady_clock::now(), [&] { answers.hold = Hold(); });
  f.io.run();
  CHECK(answers.expected == 0);
}

TEST_CASE("a look tells what is ready, however soon after the last one, or leaves it to a turn") {
  Fixture f;
  Pipe pipe;
  Told told;
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  REQUIRE(f.reactor->watch(pipe.read.get(), EPOLLIN, &told).has_value());
  for (int looks = 1; looks <= 10; ++looks) {
    f.reactor->poll();
    CHECK(told.times == looks);
  }
  Hold hold(*f.reactor);
  f.reactor->poll();
  CHECK(told.times == 10);
}

TEST_CASE("the end of a turn is told when the next one is on its way, and not of a poll") {
  Fixture f;
  int ends = 0;
  bool within = false;
  f.reactor->after_turns([&](std::unique_lock<std::mutex>& lock) {
    ++ends;
    CHECK_FALSE(f.reactor->in_turn());
    lock.unlock();
  });
  f.reactor->poll();
  CHECK(ends == 0);
  Hold hold(*f.reactor);
  f.reactor->at(std::chrono::steady_clock::now(), [&] {
    within = f.reactor->in_turn();
    hold = Hold();
  });
  f.io.run();
  CHECK(within);
  CHECK(ends >= 1);
}
