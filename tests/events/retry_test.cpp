#include <doctest/doctest.h>

#include <faas/event_queue.hpp>

using namespace faas;
using namespace std::chrono_literals;
using What = Settlement::What;

namespace {

SystemTime const kAccepted(1000h);

Lease lease(unsigned attempts = 0, unsigned throttles = 0) {
  Lease l;
  l.id = 7;
  l.accepted = kAccepted;
  l.attempts = attempts;
  l.throttles = throttles;
  return l;
}

Settlement failed(Lease const& l, RetryPolicy policy = {}, SystemTime now = kAccepted) {
  return after_failure(l, Failure::function_error, policy, now, 1.0);
}
Settlement refused(Lease const& l, double random, RetryPolicy policy = {},
                   SystemTime now = kAccepted) {
  return after_failure(l, Failure::refused, policy, now, random);
}

}  // namespace

TEST_CASE("a function error is tried again after one minute, then after two, then no more") {
  auto const first = failed(lease());
  CHECK(first.id == 7);
  CHECK(first.what == What::retry);
  CHECK(first.attempts == 1);
  CHECK(first.due == kAccepted + 60s);
  auto const second = failed(lease(1));
  CHECK(second.what == What::retry);
  CHECK(second.due == kAccepted + 120s);
  auto const third = failed(lease(2));
  CHECK(third.what == What::dead);
  CHECK(third.attempts == 3);
  CHECK(third.condition == Condition::retries_exhausted);
}

TEST_CASE("without retries the first error is the last") {
  auto const only = failed(lease(), {.retries = 0});
  CHECK(only.what == What::dead);
  CHECK(only.condition == Condition::retries_exhausted);
}

TEST_CASE("a refusal takes no retry and waits a random part of 1 s, doubled up to 300 s") {
  auto const first = refused(lease(), 1.0);
  CHECK(first.what == What::retry);
  CHECK(first.attempts == 0);
  CHECK(first.throttles == 1);
  CHECK(first.due == kAccepted + 1s);
  CHECK(refused(lease(0, 3), 1.0).due == kAccepted + 8s);
  CHECK(refused(lease(0, 8), 1.0).due == kAccepted + 256s);
  CHECK(refused(lease(0, 9), 1.0).due == kAccepted + 300s);
  CHECK(refused(lease(0, 1'000'000), 1.0).due == kAccepted + 300s);
  CHECK(refused(lease(0, 9), 0.5).due == kAccepted + 150s);
  CHECK(refused(lease(0, 9), 0.0).due == kAccepted);
}

TEST_CASE("a function error starts the backoff of refusals anew") {
  CHECK(failed(lease(0, 5)).throttles == 0);
}

TEST_CASE("what would be tried again at its maximum age or later is dead at once") {
  RetryPolicy const policy{.max_age = 100s};
  CHECK(failed(lease(), policy, kAccepted + 39s).what == What::retry);
  auto const late = failed(lease(), policy, kAccepted + 40s);
  CHECK(late.what == What::dead);
  CHECK(late.condition == Condition::event_age);
  CHECK(late.attempts == 1);
  CHECK(refused(lease(0, 9), 1.0, policy).condition == Condition::event_age);
}
