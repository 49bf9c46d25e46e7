// A client for the programs that measure the HTTP server: one connection that is kept, one request
// after the other, blocking, and nothing that would be measured with them.
#pragma once

#include <string>
#include <string_view>

namespace faas::bench {

class Client {
 public:
  explicit Client(std::string const& address);  // "127.0.0.1:PORT"
  ~Client();
  Client(Client const&) = delete;

  // On a new connection from now on: the server closes one that rests for long.
  void renew();
  // The answer's status; 0: there is no connection (any more).
  int ask(std::string_view request);
  std::string const& answer() const { return answer_; }  // head and body of the last one
  std::string_view body() const;

 private:
  std::string address_;
  int fd_ = -1;
  std::string answer_;
};

// A request with its head; `body` is JSON, or empty.
std::string request(std::string_view method, std::string_view target, std::string_view body = {});

}  // namespace faas::bench
