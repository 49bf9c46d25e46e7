// One keep-alive connection to the HTTP server, one request after the other.
// Usage: bench_http function|inline|serve pinned|spread KIND DIRECTORY
//   function  POST /function/bench, 1 KB in and out, answered by one warm instance
//   serve     prints "ready ADDRESS" and serves POST /function/bench to the end of its input, for
//             another client
//   inline    GET /healthz of the same server: connection, parser, router and writer, and no
//   function
// Server and client are two threads of this process; all is done by one thread with `serve`.
#include <cstring>
#include <faas/http_server.hpp>
#include <thread>

#include "bench/client.hpp"
#include "bench/deployed.hpp"
#include "bench/placement.h"
#include "bench/sampler.h"

using namespace faas;

namespace {

struct Asking {
  bench::Client client;
  std::string request;
};

int block(void* context, long count, std::int64_t* out) {
  auto& [client, request] = *static_cast<Asking*>(context);
  for (long i = 0; i < count; ++i) {
    std::int64_t const begin = nanoseconds();
    if (client.ask(request) != 200)
      return std::fprintf(stderr, "bench_http: %s\n", client.answer().c_str()), 1;
    out[i] = nanoseconds() - begin;
  }
  return 0;
}

std::string request_for(bool function) {
  if (!function) return bench::request("GET", "/healthz");
  return bench::request("POST", "/function/bench", '"' + std::string(1022, 'x') + '"');
}

int nothing(void*) { return 0; }

int measure(bench::Deployed& host, HttpServer const& server, bool function) {
  auto keep_running = asio::make_work_guard(host.io);
  host.io.restart();
  std::thread serving([&] { host.io.run(); });
  Asking asking{bench::Client(server.address()), request_for(function)};
  std::int64_t first;
  sampled const samples{block, function ? nothing : nullptr, nothing, &asking};
  int const status = block(&asking, 1, &first) != 0
                         ? unavailable("the first request failed; its words are above")
                         : serve_samples(&samples);
  host.io.stop();
  serving.join();
  return status;
}

// Until the end of its input.
int serve(bench::Deployed& host, HttpServer const& server) {
  auto keep_running = asio::make_work_guard(host.io);
  std::printf("ready %s\n", server.address().c_str());
  std::fflush(stdout);
  host.io.restart();
  std::thread ending([&] {
    while (std::getchar() != EOF) {
    }
    host.io.stop();
  });
  host.io.run();
  ending.join();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 || !place(argv[2]))
    return std::fprintf(stderr,
                        "usage: bench_http function|inline|serve pinned|spread KIND DIRECTORY\n"),
           2;
  bench::Deployed host(argv[4], argv[3], std::chrono::hours(1));
  if (!host.problem.empty()) return unavailable(host.problem.c_str());
  auto server = HttpServer::open(host.io.get_executor(), *host.runtime, {.port = 0});
  if (!server) return unavailable(server.error().message.c_str());
  if (std::strcmp(argv[1], "serve") == 0) return serve(host, *server);
  return measure(host, *server, std::strcmp(argv[1], "function") == 0);
}
