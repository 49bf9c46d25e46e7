#include "contract/native_api.hpp"

#include <doctest/doctest.h>

#include "contract/native_environment.hpp"

using namespace contract_test;
using Strings = std::vector<std::string>;

namespace {

bool contains(std::string const& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string answer(std::uint64_t call, std::string_view payload) {
  return record(FAAS_RESPONSE_, call, "a/b", payload, FAAS_ASKS_);
}

}  // namespace

TEST_CASE("a function that asks is given its call, and its answer asks for the next one") {
  NativeEnvironment env;
  CHECK_FALSE(env.api.idle());
  CHECK(env.ready().empty());
  CHECK(env.api.idle());
  env.invoke();
  CHECK(env.api.busy());
  CHECK(env.sent == Strings{"1"});
  CHECK(env.receive(answer(1, "one")).empty());
  CHECK(env.api.idle());
  env.invoke();
  CHECK(env.receive(answer(2, "two")).empty());
  CHECK(env.events == Strings{"next", "head [a/b]", "body one", "end", "next", "head [a/b]",
                              "body two", "end", "next"});
  CHECK(env.api.chatter() == 0);
}

TEST_CASE("a call that comes of the last one's end is given at once") {
  struct Eager : NativeEnvironment {
    void on_response_end(std::string_view id, std::optional<contract::FunctionFailure> f) override {
      NativeEnvironment::on_response_end(id, std::move(f));
      if (invoked < 3) invoke();
    }
  } env;
  env.ready();
  env.invoke();
  for (std::uint64_t call : {1, 2, 3}) CHECK(env.receive(answer(call, "")).empty());
  CHECK(env.sent == Strings{"1", "2", "3"});
}

TEST_CASE("a call is kept until the function asks") {
  NativeEnvironment env;
  env.invoke();
  CHECK(env.sent.empty());
  CHECK(env.ready().empty());
  CHECK(env.sent == Strings{"1"});
  // Answered without asking.
  CHECK(env.receive(record(FAAS_RESPONSE_, 1, "a/b", "x")).empty());
  CHECK_FALSE(env.api.idle());
  env.invoke();
  CHECK(env.sent == Strings{"1"});
  CHECK(env.ready().empty());
  CHECK(env.sent == Strings{"1", "2"});
}

TEST_CASE("a streamed answer is a head, chunks, and an end that may fail") {
  NativeEnvironment env;
  env.ready();
  env.invoke();
  CHECK(env.receive(record(FAAS_HEAD_, 1, "text/event-stream", {}, FAAS_STREAMS_)).empty());
  CHECK(env.receive(record(FAAS_PART_, 1, {}, "a")).empty());
  CHECK(env.receive(record(FAAS_PART_, 1, {}, "b")).empty());
  CHECK(env.receive(record(FAAS_END_, 1, "Function.Late", "{}", FAAS_ASKS_)).empty());
  CHECK(env.events == Strings{"next", "head [text/event-stream] streaming", "body ab",
                              "end Function.Late {}", "next"});
  CHECK(env.api.chatter() == 2);  // small chunks cost the host more than the function
}

TEST_CASE("errors keep Lambda's names or become Unknown") {
  NativeEnvironment env;
  env.ready();
  env.invoke();
  CHECK(env.receive(record(FAAS_ERROR_, 1, "Function.Bad", "{}", FAAS_ASKS_)).empty());
  env.invoke();
  CHECK(env.receive(record(FAAS_ERROR_, 2, "rm -rf", "", FAAS_ASKS_)).empty());
  CHECK(env.events ==
        Strings{"next", "error Function.Bad {}", "next", "error Runtime.Unknown ", "next"});
  NativeEnvironment failing;
  CHECK(failing.receive(record(FAAS_INIT_ERROR_, 0, "Runtime.NoConfig", "{}")).empty());
  CHECK(failing.events == Strings{"init error Runtime.NoConfig {}"});
  CHECK(contains(failing.ready(), "after the init error"));
}

TEST_CASE("a memfd's payload is asked for, in pieces, and stops while there is no room") {
  NativeEnvironment env;
  env.ready();
  env.invoke();
  CHECK(env.receive(memfd_record(1, "", 300)).empty());
  CHECK(env.api.wants_payload() == 300);
  CHECK_FALSE(env.api.wants_input());
  env.pause_after = 1;
  env.api.receive_payload(std::string(100, 'x'));
  CHECK(env.api.wants_payload() == 0);
  CHECK_FALSE(env.api.wants_input());
  env.pause_after.reset();
  env.api.resume();
  CHECK(env.api.wants_payload() == 200);
  env.api.receive_payload(std::string(200, 'x'));
  CHECK(env.api.wants_input());
  CHECK(env.api.idle());
  CHECK(env.events == Strings{"next", "head []", "body " + std::string(300, 'x'), "end", "next"});
}

TEST_CASE("an answer over the limit fails its call before a byte of it is read") {
  NativeEnvironment env;
  env.ready();
  env.invoke(100);
  CHECK(env.receive(memfd_record(1, "", 101)).empty());
  CHECK(env.api.wants_payload() == 0);
  CHECK(env.api.idle());
  env.invoke(100);
  CHECK(env.receive(record(FAAS_RESPONSE_, 2, {}, std::string(101, 'x'), FAAS_ASKS_)).empty());
  env.invoke(100);
  env.receive(record(FAAS_HEAD_, 3));
  env.receive(record(FAAS_PART_, 3, {}, std::string(100, 'x')));
  CHECK(env.receive(record(FAAS_PART_, 3, {}, "x")).empty());
  CHECK_FALSE(env.api.busy());
  // The rest of it is late, and its end asks.
  CHECK(env.receive(record(FAAS_PART_, 3, {}, "x")).empty());
  CHECK(env.receive(record(FAAS_END_, 3, {}, {}, FAAS_ASKS_)).empty());
  CHECK(env.api.idle());
  CHECK(env.events == Strings{"next", "failed Function.ResponseSizeTooLarge", "next",
                              "failed Function.ResponseSizeTooLarge", "next", "head []",
                              "body " + std::string(100, 'x'),
                              "failed Function.ResponseSizeTooLarge", "next"});
}

TEST_CASE("what comes late for an abandoned call moves nothing but the next one") {
  NativeEnvironment env;
  env.ready();
  env.invoke();
  env.api.abandon();
  CHECK_FALSE(env.api.busy());
  env.invoke();
  CHECK(env.sent == Strings{"1"});
  CHECK(env.receive(record(FAAS_RESPONSE_, 1, "a/b", "late", FAAS_ASKS_)).empty());
  CHECK(env.sent == Strings{"1", "2"});
  CHECK(env.events == Strings{"next", "next"});
  CHECK(env.api.chatter() == 1);
}

TEST_CASE("a call abandoned in the middle of its memfd has asked all the same") {
  NativeEnvironment env;
  env.ready();
  env.invoke();
  env.receive(memfd_record(1, "", 300));
  env.api.abandon();
  CHECK(env.api.wants_payload() == 0);
  CHECK(env.api.wants_input());
  CHECK(env.api.idle());
}

TEST_CASE("an event that abandons its call and begins another hears of the first no more") {
  struct Fickle : NativeEnvironment {
    void on_response_head(std::string_view id, std::string_view type, bool s) override {
      NativeEnvironment::on_response_head(id, type, s);
      if (invoked > 1) return;
      api.abandon();
      invoke();
    }
  } env;
  env.ready();
  env.invoke();
  CHECK(env.receive(answer(1, "first")).empty());
  CHECK(env.sent == Strings{"1", "2"});
  CHECK(env.receive(answer(2, "second")).empty());
  CHECK(env.events ==
        Strings{"next", "head [a/b]", "next", "head [a/b]", "body second", "end", "next"});
}

TEST_CASE("what it was sent is taken back when it asks, and not before") {
  NativeEnvironment env;
  env.ready();
  env.invoke();
  auto const before = env.taken_back;
  env.receive(record(FAAS_HEAD_, 1));
  env.receive(record(FAAS_END_, 1));
  CHECK(env.taken_back == before);
  env.ready();
  CHECK(env.taken_back == before + 1);
}

TEST_CASE("what breaks the contract is told by name") {
  auto const told = [](std::initializer_list<std::string> before, std::string const& frame) {
    NativeEnvironment env;
    env.ready();
    env.invoke();
    for (auto const& bytes : before) CHECK(env.receive(bytes).empty());
    return env.receive(frame);
  };
  NativeEnvironment fresh;
  CHECK(contains(fresh.receive(answer(1, "")), "before it asked"));
  CHECK(contains(told({}, record(FAAS_READY_, 0)), "before the answer"));
  CHECK(contains(told({}, record(FAAS_PART_, 1, {}, "x")), "has not begun"));
  CHECK(contains(told({}, record(FAAS_END_, 1)), "has not begun"));
  CHECK(contains(told({}, record(FAAS_INIT_ERROR_, 0)), "init error after"));
  CHECK(contains(told({}, record(FAAS_HEAD_, 1, "a\r\nb")), "content type"));
  CHECK(contains(told({record(FAAS_HEAD_, 1)}, record(FAAS_HEAD_, 1)), "second answer"));
  CHECK(contains(told({record(FAAS_HEAD_, 1)}, answer(1, "")), "second answer"));
  CHECK(contains(told({record(FAAS_HEAD_, 1)}, record(FAAS_ERROR_, 1)), "second answer"));
  // Late for one call, and asking for the next while another runs.
  CHECK(contains(told({}, answer(7, "")), "before the answer"));
}

TEST_CASE("a function that asks again and again is counted") {
  NativeEnvironment env;
  for (int i = 0; i < 10; ++i) CHECK(env.ready().empty());
  CHECK(env.api.chatter() == 9);
  CHECK(env.events == Strings{"next"});
}
