// A server with a runtime of its own, in this process, on a port of its own; and a client of bare
// bytes.
#pragma once

#include <doctest/doctest.h>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <faas/http_server.hpp>
#include <faas/runtime.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fetch/http_client.hpp"
#include "support/result.hpp"

namespace faas::test {

namespace asio = boost::asio;

class Serving {
 public:
  explicit Serving(HttpServerOptions http = {}, Options options = {}, unsigned threads = 1) {
    options.allow_degraded = true;
    options.upkeep = true;
    options.observer = &metrics_;
    runtime_.emplace(Runtime::open(io_.get_executor(), std::move(options)).value());
    http.port = 0;
    http.metrics = &metrics_;
    server_.emplace(HttpServer::open(io_.get_executor(), *runtime_, http).value());
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { io_.run(); });
  }
  ~Serving() {
    wait(server_->close(Duration::zero()));
    wait(runtime_->close());
    io_.stop();
    for (auto& thread : threads_) thread.join();
  }

  template <class T>
  T wait(asio::awaitable<T> operation) {
    return asio::co_spawn(io_, std::move(operation), asio::use_future).get();
  }

  void deploy(std::string name, HostCallable callable, Limits limits = {}) {
    Function function;
    function.name = std::move(name);
    function.limits = limits;
    REQUIRE(wait(runtime_->deploy(std::move(function), std::move(callable))));
  }
  void deploy_echo(std::string name) {
    deploy(std::move(name), [](HostCall call) -> asio::awaitable<std::string> {
      co_return std::move(call.payload);
    });
  }

  fetch::Response send(std::string method, std::string target, std::string body = {},
                       std::vector<std::pair<std::string, std::string>> headers = {}) {
    fetch::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers = std::move(headers);
    return fetch::send(fetch::parse_url(server_->address()).value(), request).value();
  }

  asio::ip::tcp::endpoint endpoint() const {
    auto const address = server_->address();
    return {asio::ip::make_address("127.0.0.1"),
            static_cast<unsigned short>(std::stoi(address.substr(address.find(':') + 1)))};
  }

  HttpServer& server() { return *server_; }
  Runtime& runtime() { return *runtime_; }

 private:
  asio::io_context io_;
  Metrics metrics_;
  std::optional<Runtime> runtime_;
  std::optional<HttpServer> server_;
  std::vector<std::thread> threads_;
};

// Bytes out, bytes in.
class Wire {
 public:
  explicit Wire(Serving const& serving) : socket_(io_) { socket_.connect(serving.endpoint()); }

  Wire& write(std::string_view bytes) {
    asio::write(socket_, asio::buffer(bytes.data(), bytes.size()));
    return *this;
  }
  // Until the server closes.
  std::string read_all() {
    boost::system::error_code error;
    asio::read(socket_, asio::dynamic_buffer(text_), error);
    return text_;
  }
  // Until `what` has come, or the server closed.
  std::string read_until(std::string_view what) {
    boost::system::error_code error;
    std::array<char, 4096> space;
    while (text_.find(what) == std::string::npos && !error) {
      auto const count = socket_.read_some(asio::buffer(space), error);
      text_.append(space.data(), count);
    }
    return text_;
  }
  void forget() { text_.clear(); }
  void half_close() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_;
  std::string text_;
};

inline std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + what.size()))
    ++count;
  return count;
}

}  // namespace faas::test
