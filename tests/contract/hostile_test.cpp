// What a function may try on its own listener: rows R1 to R18 of the abuse list that concern the
// protocol.
#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "contract/environment.hpp"

using contract_test::ConnectionId;
using contract_test::Environment;
using contract_test::invocation;
using contract_test::request_id;

namespace {

using Events = std::vector<std::string>;

std::string const kPing = "GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\n\r\n";
std::string const kNext = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n";

std::size_t count(std::string const& text, std::string const& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

std::string to_response(std::string const& fields_and_body) {
  return "POST /2018-06-01/runtime/invocation/" + request_id(1) +
         "/response HTTP/1.1\r\nHost: h\r\n" + fields_and_body;
}

}  // namespace

TEST_CASE("a smuggled request is never answered") {
  // Each hides a ping where a careless reader would see a request of its own.
  std::string const rows[] = {
      to_response("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: chunked\r\nContent-Length: 80\r\n\r\n0\r\n\r\n" + kPing),
      to_response("Content-Length: 0\r\nContent-Length: 80\r\n\r\n" + kPing),
      to_response("Content-Length: 0, 80\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + kPing),
      to_response("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + kPing),
      to_response("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" +
                  kPing),
      to_response("X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kPing),
      to_response("X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: chunked\r\n\r\n0;a=\"\n\"\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nhello\r\n0\r\n\r\n" +
                  kPing),
      to_response("Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 80\r\n\r\n" + kPing),
      to_response("Transfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n" +
                  kPing),
      to_response("Transfer-Encoding: chunked\r\n\r\n0\r\nHost: other\r\n\r\n" + kPing),
      "POST /2018-06-01/runtime/init/error HTTP/1.0\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n" +
          kPing,
      "GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n" + kPing,
      "GET /2018-06-01/ping HTTP/1.1\r\n\r\n" + kPing,
  };
  for (auto const& row : rows) {
    for (bool const trickle : {false, true}) {
      CAPTURE(row);
      Environment environment;
      environment.next();
      environment.api.invoke(invocation(1));
      auto const id = environment.open();
      if (trickle)
        for (char c : row) environment.api.receive(id, std::string_view(&c, 1));
      else
        environment.api.receive(id, row);
      auto const& answer = environment.answers[id];
      CHECK(count(answer, "HTTP/1.1 ") == 1);
      CHECK((answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 501 ")));
      CHECK(answer.find("pong") == answer.npos);
      CHECK(environment.closed.contains(id));
    }
  }
}

TEST_CASE("a body where none is expected is still a body") {
  Environment environment;
  auto const id = environment.open();
  auto const body = kPing;
  environment.api.receive(id, "GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + body);
  CHECK(count(environment.answers[id], "pong") == 1);
  environment.api.receive(id, body);
  CHECK(count(environment.answers[id], "pong") == 2);
}

TEST_CASE("pipelined requests are answered in order") {
  Environment environment;
  environment.invoke_on_next = 2;
  auto const id = environment.open();
  environment.api.receive(id, kPing + kNext + Environment::response(1, "x") + kNext + kPing);
  auto const& answers = environment.answers[id];
  auto const ping = answers.find("pong");
  auto const first = answers.find(request_id(1));
  auto const accepted = answers.find("202 Accepted");
  auto const second = answers.find(request_id(2));
  auto const last = answers.rfind("pong");
  CHECK((ping < first && first < accepted && accepted < second && second < last &&
         last != answers.npos));
}

TEST_CASE("requests behind one that waits are bounded") {
  Environment environment;
  auto const id = environment.open();
  environment.api.receive(id, kNext);
  std::size_t sent = 0;
  while (environment.closed.empty() && sent < 10'000) environment.api.receive(id, kNext), ++sent;
  CHECK(sent * kNext.size() > 64 * 1024);
  CHECK(sent * kNext.size() < 66 * 1024);
  CHECK(environment.events == Events{"next"});
  CHECK_FALSE(environment.api.idle());
}

TEST_CASE("connections are bounded") {
  Environment environment;
  for (int i = 0; i < 32; ++i) environment.open();
  CHECK_FALSE(environment.api.open());
  environment.api.closed(1);
  CHECK(environment.api.open());
}

TEST_CASE("a cause header of a mebibyte is read, a larger head is not") {
  auto const with_cause = [](std::size_t size) {
    return Environment::error(
        1, "{}", "Lambda-Runtime-Function-XRay-Error-Cause: " + std::string(size, 'x') + "\r\n");
  };
  Environment environment;
  environment.invoke_on_next = 1;
  environment.next();
  auto const answer = environment.ask(with_cause(1024 * 1024));
  CHECK(answer.starts_with("HTTP/1.1 202 "));
  CHECK(environment.events.back() == "error 1 Function.Unknown {}");
  CHECK(environment.ask(with_cause(1'310'720)).starts_with("HTTP/1.1 431 "));
  CHECK(environment.closed.size() == 1);
}

TEST_CASE("one connection at a time holds a large head") {
  Environment environment;
  std::string const part =
      "GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\nX: " + std::string(200'000, 'x');
  auto const first = environment.open();
  auto const second = environment.open();
  environment.api.receive(first, part);
  environment.api.receive(second, part.substr(0, 60'000));
  CHECK(environment.closed.empty());
  environment.api.receive(second, part.substr(60'000));
  CHECK(environment.answers[second].starts_with("HTTP/1.1 431 "));
  CHECK(environment.closed.contains(second));
  environment.api.receive(first, "\r\n\r\n");
  CHECK(environment.answers[first].ends_with("pong"));
  auto const third = environment.open();  // the first is done: its turn is over
  environment.api.receive(third, part);
  environment.api.receive(third, "\r\n\r\n");
  CHECK(environment.answers[third].ends_with("pong"));
  auto const fourth = environment.open();
  environment.api.receive(fourth, part);
  environment.api.closed(fourth);
  auto const fifth = environment.open();
  environment.api.receive(fifth, part);
  environment.api.receive(fifth, "\r\n\r\n");
  CHECK(environment.answers[fifth].ends_with("pong"));
}

TEST_CASE("a head that trickles in is not copied for each byte") {
  // 1.25 MiB byte by byte: quadratic work would be 8 * 10^11 bytes, far beyond the time a test is
  // given.
  Environment environment;
  auto const id = environment.open();
  environment.api.receive(id, "GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\nX: ");
  for (int i = 0; i < 1'300'000; ++i) environment.api.receive(id, "x");
  environment.api.receive(id, "\r\n\r\n");
  CHECK(environment.answers[id].ends_with("pong"));
}

TEST_CASE("a slow head can be timed") {
  Environment environment;
  auto const id = environment.open();
  CHECK(environment.api.unfinished_head(id) == 0);
  environment.api.receive(id, "G");
  auto const first = environment.api.unfinished_head(id);
  CHECK(first != 0);
  environment.api.receive(id, kPing.substr(1) + kPing.substr(0, 9));
  CHECK(environment.api.unfinished_head(id) != 0);  // the next one
  CHECK(environment.api.unfinished_head(id) != first);
  environment.api.receive(id, kPing.substr(9) + kNext);
  CHECK(environment.api.unfinished_head(id) == 0);  // it waits for work, as long as it takes
  environment.api.head_is_late(id);
  CHECK(environment.closed.empty());
}

TEST_CASE("a head that is late is told so, and its connection closed") {
  Environment environment;
  auto const id = environment.open();
  environment.api.receive(id, kNext.substr(0, kNext.size() - 2));
  environment.api.head_is_late(id);
  CHECK(environment.answers[id].starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  CHECK(environment.closed.contains(id));
  environment.api.receive(id, "\r\n");
  CHECK(environment.events.empty());
}

TEST_CASE("answers that move no call are counted, those that move one are not") {
  Environment environment;
  environment.invoke_on_next = 2;
  auto const id = environment.open();
  environment.api.receive(id, kNext + Environment::response(1, "x") + kNext);
  environment.api.receive(id, Environment::error(2, "{}") + kNext);
  CHECK(environment.api.chatter() == 0);
  environment.ask(kPing);
  environment.ask("GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n");
  environment.ask("not HTTP\r\n\r\n");
  environment.ask(Environment::response(2, "again"));
  CHECK(environment.api.chatter() == 4);
  environment.api.invoke(invocation(3));
  environment.next();  // given again
  environment.next();
  CHECK(environment.api.chatter() == 6);
}

TEST_CASE("other paths are not there") {
  std::string const targets[] = {
      "/",
      "*",
      "/2018-06-01",
      "/2018-06-01/runtime/invocation/next/",
      "/2018-06-01/runtime/invocation/next?a",
      "//2018-06-01/runtime/invocation/next",
      "/2018-06-01/../2018-06-01/runtime/invocation/next",
      "/2018-06-01/%2e%2e/ping",
      "/2018-06-01/runtime/invocation/%00/response",
      "/2018-06-01/PING",
      "http://h/2018-06-01/ping",
      "/2018-06-01/runtime/restore/next",
      "/2021-04-23/credentials",
      "/debug",
      "/metrics",
      "/2015-03-31/functions",
      "/2018-06-01/runtime/invocation//response",
      "/2018-06-01/runtime/invocation/../x/response",
      "/2018-06-01/runtime/invocation/a/b/response",
  };
  for (auto const& target : targets) {
    for (std::string const method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "get"}) {
      Environment environment;
      CAPTURE(method + " " + target);
      auto const answer = environment.ask(method + " " + target +
                                          " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
      CHECK(answer.starts_with("HTTP/1.1 404 Not Found\r\n"));
      CHECK(environment.closed.empty());
      CHECK(environment.events.empty());
    }
  }
  Environment environment;
  CHECK(environment.ask("GET /2018-06-01/runtime/restore/next HTTP/1.1\r\nHost: h\r\n\r\n")
            .ends_with("{\"errorMessage\":\"SnapStart (restore, credentials) is not offered here\","
                       "\"errorType\":\"NotFound\"}\n"));
}

TEST_CASE("limits on heads") {
  Environment environment;
  CHECK(environment.ask("GET /" + std::string(1'000'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n")
            .starts_with("HTTP/1.1 414 "));
  std::string many = "GET /2018-06-01/ping HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 10'000; ++i) many += "A: b\r\n";
  CHECK(environment.ask(many + "\r\n").starts_with("HTTP/1.1 431 "));
}

TEST_CASE("a hundred thousand small requests leave nothing behind") {
  Environment environment;
  auto const id = environment.open();
  for (int i = 0; i < 100'000; ++i) {
    environment.api.receive(id, kPing);
    environment.answers[id].clear();
  }
  CHECK(environment.api.connections() == 1);
  CHECK(environment.events.empty());
}

namespace {

// Reacts to every event by something drastic.
struct Rash final : contract_test::contract::RuntimeApiEvents {
  contract_test::contract::RuntimeApi api{*this, {}};
  ConnectionId runtime = 0;
  int ends = 0, fails = 0;
  bool close_on_chunk = false, abandon_on_head = false, abandon_on_chunk = false,
       invoke_on_end = false, close_on_send = false, receive_on_chunk = false;
  std::string sent;

  void on_next() override {}
  void on_init_error(contract_test::contract::FunctionFailure) override {}
  void on_response_head(std::string_view, std::string_view, bool) override {
    if (abandon_on_head) api.abandon();
  }
  bool on_response_chunk(std::string_view, std::string_view) override {
    if (close_on_chunk) api.closed(runtime);
    if (abandon_on_chunk) api.abandon();
    if (receive_on_chunk) api.receive(runtime, std::exchange(more, {}));
    return true;
  }
  void on_response_end(std::string_view,
                       std::optional<contract_test::contract::FunctionFailure>) override {
    ++ends;
    if (invoke_on_end) api.invoke(invocation(2));
  }
  void on_response_failed(std::string_view, contract_test::contract::FunctionFailure) override {
    ++fails;
  }
  void on_invocation_error(std::string_view, contract_test::contract::FunctionFailure) override {}
  void on_extension_registered(std::string_view) override {}
  void on_extension_failed(std::string_view, contract_test::contract::FunctionFailure) override {}
  void send(ConnectionId id, std::string_view head, std::string_view body) override {
    sent.append(head).append(body);
    if (close_on_send) api.closed(id);
  }
  void close(ConnectionId) override {}

  std::string more;
  void play(std::string const& bytes) {
    runtime = api.open().value();
    api.receive(runtime, kNext);
    api.invoke(invocation(1));
    sent.clear();
    api.receive(runtime, bytes);
  }
};

}  // namespace

TEST_CASE("events may call back in") {
  auto const chunked =
      to_response("Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n");
  SUBCASE("the connection fails while its chunk is handed on") {
    Rash rash;
    rash.close_on_chunk = true;
    rash.play(chunked + kPing);
    CHECK(rash.fails == 1);
    CHECK(rash.ends == 0);
    CHECK(rash.sent.empty());
    CHECK(rash.api.connections() == 0);
  }
  SUBCASE("the invocation is abandoned at its head") {
    Rash rash;
    rash.abandon_on_head = true;
    rash.play(chunked);
    CHECK(rash.sent.starts_with("HTTP/1.1 400 "));
    CHECK((rash.fails == 0 && rash.ends == 0));
  }
  SUBCASE("the invocation is abandoned at its first chunk") {
    Rash rash;
    rash.abandon_on_chunk = true;
    rash.play(chunked);
    CHECK(rash.sent.starts_with("HTTP/1.1 400 "));
    CHECK((rash.fails == 0 && rash.ends == 0));
  }
  SUBCASE("the next invocation is given from the last one's end") {
    Rash rash;
    rash.invoke_on_end = true;
    rash.play(chunked + kNext);
    CHECK(rash.sent.find(request_id(2)) != std::string::npos);
  }
  SUBCASE("writing fails") {
    Rash rash;
    rash.close_on_send = true;
    rash.play(chunked + kNext);
    CHECK(rash.api.connections() == 0);
    CHECK(rash.api.busy());
  }
  SUBCASE("bytes arrive while bytes are handed on") {
    Rash rash;
    rash.receive_on_chunk = true;
    rash.more = kPing;
    rash.play(chunked);
    CHECK(rash.ends == 1);
    CHECK(rash.sent.ends_with("pong"));
  }
}

namespace {

// Abandons from inside an event, then reads what that event was lent.
struct Forgetful final : Environment {
  bool on_head = false, on_chunk = false, on_send = false;
  std::string id_read, body_read;

  void on_response_head(std::string_view id, std::string_view, bool) override {
    if (on_head) give_up(id);
  }
  bool on_response_chunk(std::string_view id, std::string_view bytes) override {
    if (on_chunk) give_up(id);
    body_read.append(bytes);
    return true;
  }
  void send(ConnectionId id, std::string_view head, std::string_view body) override {
    if (std::exchange(on_send, false)) {
      api.abandon();
      api.invoke(invocation(2, std::string(body.size(), 'q')));
      body_read.append(body);
    }
    Environment::send(id, head, body);
  }

  // The next invocations take the place of the abandoned one while its event still runs.
  void give_up(std::string_view id) {
    api.abandon();
    api.invoke(invocation(2));
    next();
    api.abandon();
    id_read = id;
  }
};

}  // namespace

TEST_CASE("what an event is lent lasts as long as the event, also when it abandons") {
  auto const whole = Environment::response(1, "answer");
  SUBCASE("the id of a response's head") {
    Forgetful environment;
    environment.on_head = true;
    environment.next();
    environment.api.invoke(invocation(1));
    environment.ask(whole);
    CHECK(environment.id_read == request_id(1));
  }
  SUBCASE("the id of a chunk") {
    Forgetful environment;
    environment.on_chunk = true;
    environment.next();
    environment.api.invoke(invocation(1));
    environment.ask(whole);
    CHECK(environment.id_read == request_id(1));
    CHECK(environment.body_read == "answer");
  }
  SUBCASE("the payload on its way to the function") {
    Forgetful environment;
    environment.on_send = true;
    environment.next();
    std::string const payload(50'000, 'p');
    environment.api.invoke(invocation(1, payload));
    CHECK((environment.body_read == payload));
  }
}
