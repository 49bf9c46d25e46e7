// One execution environment without its process: a RuntimeApi, what it reported and what it
// answered.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/runtime_api.hpp"

namespace contract_test {

namespace contract = faas::contract;
using contract::ConnectionId;

inline std::string request_id(int number) {
  return "00000000-0000-4000-8000-" + std::string(11, '0') + static_cast<char>('0' + number);
}

inline contract::Invocation invocation(int number, std::string payload = "{}") {
  contract::Invocation made;
  made.request_id = request_id(number);
  made.payload = std::move(payload);
  made.function_arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
  made.deadline_ms = 1'800'000'000'000;
  return made;
}

class Environment : public contract::RuntimeApiEvents {
 public:
  virtual ~Environment() = default;
  explicit Environment(contract::RuntimeApi::Options options = {})
      : api(*this, std::move(options)) {}

  contract::RuntimeApi api;
  std::vector<std::string> events;              // in words; consecutive chunks are one
  std::map<ConnectionId, std::string> answers;  // bytes sent
  std::set<ConnectionId> closed;
  int invoke_on_next = 0;          // this many invocations are given as soon as asked for
  std::optional<int> pause_after;  // chunks until on_response_chunk answers false
  int invoked = 0;

  ConnectionId open() { return api.open().value(); }
  // Sends a request on a connection of its own and returns the answer.
  std::string ask(std::string_view request) {
    auto const id = open();
    api.receive(id, request);
    return answers[id];
  }
  ConnectionId next() {
    auto const id = open();
    api.receive(id, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n");
    return id;
  }
  static std::string post(std::string const& path, std::string const& body,
                          std::string const& fields = {}) {
    return "POST /2018-06-01/runtime/" + path +
           " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           fields + "\r\n" + body;
  }
  static std::string response(int number, std::string const& body, std::string const& fields = {}) {
    return post("invocation/" + request_id(number) + "/response", body, fields);
  }
  static std::string error(int number, std::string const& body, std::string const& fields = {}) {
    return post("invocation/" + request_id(number) + "/error", body, fields);
  }

  void on_next() override {
    note("next");
    if (invoked < invoke_on_next) api.invoke(invocation(++invoked));
  }
  void on_init_error(contract::FunctionFailure f) override { note("init error", f); }
  void on_response_head(std::string_view id, std::string_view type, bool streaming) override {
    note("head " + short_id(id) + " [" + std::string(type) + "]" + (streaming ? " streaming" : ""));
  }
  bool on_response_chunk(std::string_view, std::string_view bytes) override {
    if (events.empty() || !events.back().starts_with("body ")) events.push_back("body ");
    events.back().append(bytes);
    return !pause_after || --*pause_after > 0;
  }
  void on_response_end(std::string_view id, std::optional<contract::FunctionFailure> f) override {
    f ? note("end " + short_id(id), *f) : note("end " + short_id(id));
  }
  void on_response_failed(std::string_view id, contract::FunctionFailure f) override {
    note("failed " + short_id(id), f);
  }
  void on_invocation_error(std::string_view id, contract::FunctionFailure f) override {
    note("error " + short_id(id), f);
  }
  void on_extension_registered(std::string_view name) override {
    note("extension " + std::string(name));
  }
  void on_extension_failed(std::string_view name, contract::FunctionFailure f) override {
    note("extension failed " + std::string(name), f);
  }
  void send(ConnectionId id, std::string_view head, std::string_view body) override {
    answers[id].append(head).append(body);
  }
  void close(ConnectionId id) override { closed.insert(id); }

 private:
  static std::string short_id(std::string_view id) { return std::string(id.substr(id.size() - 1)); }
  void note(std::string text) { events.push_back(std::move(text)); }
  void note(std::string text, contract::FunctionFailure const& f) {
    events.push_back(std::move(text) + " " + f.type + " " + f.payload);
  }
};

}  // namespace contract_test
