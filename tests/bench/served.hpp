// A runtime behind its HTTP server, run by a thread of its own.
#pragma once

#include <faas/http_server.hpp>
#include <thread>

#include "bench/opened.hpp"

namespace faas::bench {

class Served : public Opened {
 public:
  using Opened::Opened;
  ~Served() {
    io.stop();
    if (serving_.joinable()) serving_.join();
  }

  // From now on, so that nothing can `wait` any more: who listens keeps `io` busy. False: `problem`
  // says why not.
  bool serve() {
    auto opened = HttpServer::open(io.get_executor(), *runtime, {.port = 0});
    if (!opened) {
      problem = opened.error().message;
      return false;
    }
    server_ = std::move(*opened);
    io.restart();
    serving_ = std::thread([this] { io.run(); });
    return true;
  }

  std::string address() const { return server_->address(); }

 private:
  std::optional<HttpServer> server_;
  std::thread serving_;
};

}  // namespace faas::bench
