// Several calls at once in one jail; its program has a thread for each.
#include <doctest/doctest.h>

#include <string>

#include "invoker/jail.hpp"

using namespace faas;
using namespace faas::test;

namespace {

How crowd(unsigned capacity) {
  How how;
  how.capacity = capacity;
  how.bootstrap = FAAS_CROWD;
  return how;
}

}  // namespace

TEST_CASE("as many calls as the capacity run at once, and one more is not taken") {
  Jail jail("", crowd(3));
  auto const first = jail.call("meet 3"), second = jail.call("meet 3");
  auto const third = jail.call("meet 3"), fourth = jail.call("meet 1");
  REQUIRE(fourth->ending);
  CHECK(fourth->ending->status == Status::lost);
  CHECK(jail.result_of(*first) == jail.result_of(*second));
  CHECK(jail.result_of(*third) == first->payload);
  CHECK(jail.result_of(*jail.call("meet 1")) == first->payload);
}

TEST_CASE("calls beyond the workers that ask wait in the instance, first in, first out") {
  auto how = crowd(3);
  how.environment["AWS_LAMBDA_MAX_CONCURRENCY"] = "1";  // the program's threads, in fact
  Jail jail("", how);
  std::string order;
  auto const call = [&](char name) {
    auto const sink = std::make_shared<Sink>();
    sink->then = [&order, name] { order += name; };
    return jail.call("meet 1", sink);
  };
  auto const a = call('a'), b = call('b'), c = call('c');
  CHECK(jail.result_of(*a) == jail.result_of(*c));
  CHECK(b->ending->status == Status::ok);
  CHECK(order == "abc");
}

TEST_CASE("a sink without room holds up its own call alone") {
  Jail jail("", crowd(2));
  auto const slow = std::make_shared<Sink>();
  slow->room = false;
  jail.call("meet 1", slow);
  jail.run_until([&] { return !slow->payload.empty(); });
  for (int i = 0; i < 3; ++i) CHECK(jail.result_of(*jail.call("meet 1")) == slow->payload);
  CHECK_FALSE(slow->ending);
  slow->room = true;
  jail.resume(1);
  (void)jail.result_of(*slow);
}

TEST_CASE(
    "when one of several calls times out no further one is taken, and the last ends the jail") {
  auto how = crowd(4);
  how.timeout = 1s;
  Jail jail("", how);
  auto const hanging = jail.call("sleep 30000");
  while (jail.turns_in(100ms) > 0) {
  }
  auto const neighbour = std::make_shared<Sink>();
  auto const begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < begun + 600ms) jail.turns_in(100ms);
  jail.call("sleep 800", neighbour);
  jail.run_until([&] { return hanging->ending.has_value(); });
  CHECK(hanging->ending->status == Status::timed_out);
  CHECK_FALSE(hanging->ending->reusable);
  auto const late = jail.call("meet 1");
  REQUIRE(late->ending);
  CHECK(late->ending->status == Status::lost);
  CHECK_FALSE(neighbour->ending);
  CHECK_FALSE(jail.exited());
  (void)jail.result_of(*neighbour);
  CHECK_FALSE(neighbour->ending->reusable);
  jail.run_until([&] { return jail.exited(); });
}

TEST_CASE("two that time out at once end the jail between them") {
  auto how = crowd(2);
  how.timeout = 1s;
  Jail jail("", how);
  auto const first = jail.call("sleep 30000"), second = jail.call("sleep 30000");
  jail.run_until([&] { return jail.exited(); });
  REQUIRE((first->ending && second->ending));
  CHECK(first->ending->status == Status::timed_out);
  CHECK(second->ending->status == Status::timed_out);
}

TEST_CASE("a stop ends every call as lost") {
  Jail jail("", crowd(3));
  auto const first = jail.call("meet 9"), second = jail.call("meet 9");
  jail.stop();
  REQUIRE((first->ending && second->ending));
  CHECK(first->ending->status == Status::lost);
  CHECK(second->ending->status == Status::lost);
  jail.run_until([&] { return jail.exited(); });
}

TEST_CASE("a call may be given from inside the end of another, while others run") {
  Jail jail("", crowd(2));
  auto const waiting = jail.call("meet 2");
  auto const first = std::make_shared<Sink>();
  std::shared_ptr<Sink> second;
  first->then = [&] { second = jail.call("meet 1"); };
  jail.call("sleep 0", first);
  jail.run_until([&] { return second && second->ending; });
  CHECK(second->ending->status == Status::ok);
  (void)jail.result_of(*waiting);
}
