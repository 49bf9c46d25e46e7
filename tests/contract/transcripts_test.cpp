// Requests of real clients (data/), fed whole, at every split and byte by byte.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "contract/environment.hpp"

namespace {

using contract_test::ConnectionId;
using contract_test::Environment;

struct Request {
  std::string file;
  int connection;
  std::string bytes;
};
using Session = std::vector<Request>;

// The sessions by name, e.g. "go-invoke"; files are named <session>-<order>-c<connection>.http.
std::map<std::string, Session> read_sessions() {
  std::map<std::string, Session> sessions;
  std::vector<std::filesystem::path> files;
  for (auto const& entry :
       std::filesystem::directory_iterator(FAAS_SOURCE_DIR "/tests/contract/data"))
    if (entry.path().extension() == ".http") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (auto const& path : files) {
    auto const name = path.stem().string();
    std::ifstream in(path, std::ios::binary);
    sessions[name.substr(0, name.size() - 6)].push_back(
        {name, name.back() - '0', std::string(std::istreambuf_iterator<char>(in), {})});
  }
  return sessions;
}

struct Outcome {
  std::vector<std::string> events;
  std::map<ConnectionId, std::string> answers;
  std::set<ConnectionId> closed;
  bool operator==(Outcome const&) const = default;
};

// Plays a session; `feed` hands the bytes of request number `at` to the environment.
template <typename Feed>
Outcome play(Session const& session, Feed feed) {
  Environment environment;
  environment.invoke_on_next = 9;
  std::map<int, ConnectionId> connections;
  for (std::size_t i = 0; i < session.size(); ++i) {
    auto const number = session[i].connection;
    if (!connections.contains(number)) connections[number] = environment.open();
    feed(i, environment, connections[number]);
  }
  return {environment.events, environment.answers, environment.closed};
}

Outcome play_whole(Session const& session) {
  return play(session, [&](std::size_t i, Environment& environment, ConnectionId id) {
    environment.api.receive(id, session[i].bytes);
  });
}

}  // namespace

TEST_CASE("every split of a real client's request gives the same events and answers") {
  auto const sessions = read_sessions();
  REQUIRE(sessions.size() == 12);
  for (auto const& recorded : sessions) {
    Session const& session = recorded.second;
    auto const whole = play_whole(session);
    for (std::size_t target = 0; target < session.size(); ++target) {
      CAPTURE(session[target].file);
      auto const& bytes = session[target].bytes;
      for (std::size_t split = 1; split < bytes.size(); ++split) {
        auto const cut =
            play(session, [&](std::size_t i, Environment& environment, ConnectionId id) {
              auto const at = i == target ? split : session[i].bytes.size();
              environment.api.receive(id, std::string_view(session[i].bytes).substr(0, at));
              environment.api.receive(id, std::string_view(session[i].bytes).substr(at));
            });
        if (!(cut == whole)) {
          CAPTURE(split);
          REQUIRE(cut.events == whole.events);
          REQUIRE(cut == whole);
        }
      }
    }
    auto const trickled =
        play(session, [&](std::size_t i, Environment& environment, ConnectionId id) {
          for (char c : session[i].bytes) environment.api.receive(id, std::string_view(&c, 1));
        });
    CAPTURE(recorded.first);
    CHECK(trickled.events == whole.events);
    CHECK((trickled == whole));
  }
}

TEST_CASE("real clients are understood") {
  // Events by session; a long one is given by its beginning.
  std::map<std::string, std::vector<std::string>> const expected = {
      {"cpp-invoke",
       {"next", "head 1 [application/json]", "body {\"echo\":{\"a\":1}}", "end 1", "next",
        "error 2 Function.Unknown {\"errorMessage\":\"boom\",\"errorType\":\"MyError\", ", "next"}},
      {"cpp-refused", {"next", "head 1 [application/json]", "body {\"echo\":{\"a\":1}}", "end 1"}},
      {"go-invoke",
       {"next", "head 1 [application/json]", "body {\"e\":{\"a\":1},\"ok\":true}", "end 1", "next",
        "error 2 Function.Unknown {\"errorMessage\":\"boom\",\"errorType\":\"errorString\"}",
        "next",
        "error 3 Function.Unknown "
        "{\"errorMessage\":\"ouch\",\"errorType\":\"string\",\"stackTrace\":[{"}},
      {"go-refused",
       {"next", "head 1 [application/json]", "body {\"e\":{\"a\":1},\"ok\":true}", "end 1"}},
      {"node-init-error",
       {"init error Runtime.HandlerNotFound "
        "{\"errorType\":\"Runtime.HandlerNotFound\",\"errorMessage\":"}},
      {"node-invoke",
       {"next", "head 1 [application/json]",
        "body {\"ok\":true,\"ev\":{\"a\":1},\"trace\":\"Root=1-", "end 1", "next",
        "error 2 Function.Unknown {\"errorType\":\"TypeError\",\"errorMessage\":\"bad\",", "next"}},
      {"node-refused",
       {"next", "head 1 [application/json]", "body {\"ok\":true,\"ev\":{},", "end 1", "next",
        "head 2 [application/json]", "body {\"ok\":true,\"ev\":{},", "end 2", "next"}},
      {"node-stream",
       {"next", "head 1 [application/octet-stream] streaming", "body part1part2", "end 1", "next",
        "head 2 [application/vnd.awslambda.http-integration-response] streaming",
        std::string(
            "body {\"statusCode\":201,\"headers\":{\"x-a\":\"b\"}}\0\0\0\0\0\0\0\0part1part2", 63),
        "end 2", "next", "head 3 [application/octet-stream] streaming", "body part1",
        "end 3 Runtime.Unknown {\"errorType\":\"Error\",\"errorMessage\":\"mid\",", "next"}},
      {"python-init-error",
       {"init error Runtime.HandlerNotFound {\"errorMessage\": \"Handler 'nosuch' missing on "
        "module 'app'\""}},
      {"python-invoke",
       {"next", "head 1 [application/json]", "body {\"ok\": true, \"event\": {\"a\": 1}}", "end 1",
        "next",
        "error 2 Function.Unknown {\"errorMessage\": \"bad\", \"errorType\": \"ValueError\", ",
        "next"}},
      {"python-refused",
       {"next", "head 1 [application/json]", "body {\"ok\": true, \"event\": {}}", "end 1"}},
      {"python-two-workers",
       {"next", "head 1 [application/json]", "body {\"ok\": true, \"event\": {}}", "end 1", "next",
        "head 2 [application/json]", "body {\"ok\": true, \"event\": {}}", "end 2", "next"}},
  };
  for (auto const& recorded : read_sessions()) {
    std::string const& name = recorded.first;
    CAPTURE(name);
    REQUIRE(expected.contains(name));
    auto const& wanted = expected.at(name);
    auto const whole = play_whole(recorded.second);
    REQUIRE(whole.events.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
      CHECK(whole.events[i].substr(0, wanted[i].size()) == wanted[i]);
    CHECK(whole.closed.empty());  // keep-alive, always
  }
}
