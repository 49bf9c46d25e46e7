// One keep-alive connection to the HTTP server, one request after the other.
// Usage: bench_http function|inline|serve pinned|spread KIND DIRECTORY
//   function  POST /function/bench, 1 KB in and out, answered by one warm instance
//   serve     prints "ready ADDRESS" and serves POST /function/bench to the end of its input, for
//             another client
//   inline    GET /healthz of the same server: connection, parser, router and writer, and no
//   function
// Server and client are two threads of this process; all is done by one thread with `serve`.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <faas/http_server.hpp>
#include <thread>

#include "bench/deployed.hpp"
#include "bench/placement.h"
#include "bench/sampler.h"

using namespace faas;

namespace {

struct Client {
  int fd = -1;
  std::string request;
  std::string buffer;
};

int connect_to(std::string const& address) {
  auto const colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<unsigned short>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 ? fd : -1;
}

// Reads one answer; true if it is a 200.
bool receive(Client& client) {
  client.buffer.clear();
  char bytes[8192];
  for (;;) {
    ssize_t const n = read(client.fd, bytes, sizeof bytes);
    if (n <= 0) return false;
    client.buffer.append(bytes, static_cast<std::size_t>(n));
    auto const head = client.buffer.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    char const* length = strcasestr(client.buffer.c_str(), "\r\ncontent-length:");
    std::size_t const body = length ? std::strtoul(length + 17, nullptr, 10) : 0;
    if (client.buffer.size() >= head + 4 + body) return client.buffer.starts_with("HTTP/1.1 200");
  }
}

int block(void* context, long count, std::int64_t* out) {
  auto& client = *static_cast<Client*>(context);
  auto const size = static_cast<ssize_t>(client.request.size());
  for (long i = 0; i < count; ++i) {
    std::int64_t const begin = nanoseconds();
    if (write(client.fd, client.request.data(), client.request.size()) != size || !receive(client))
      return std::fprintf(stderr, "bench_http: %s\n", client.buffer.c_str()), 1;
    out[i] = nanoseconds() - begin;
  }
  return 0;
}

std::string request_for(bool function) {
  if (!function) return "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  std::string const body = '"' + std::string(1022, 'x') + '"';
  return "POST /function/bench HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

int nothing(void*) { return 0; }

int measure(bench::Deployed& host, HttpServer const& server, bool function) {
  auto keep_running = asio::make_work_guard(host.io);
  host.io.restart();
  std::thread serving([&] { host.io.run(); });
  Client client{connect_to(server.address()), request_for(function), {}};
  std::int64_t first;
  sampled const samples{block, function ? nothing : nullptr, nothing, &client};
  int const status = client.fd < 0 || block(&client, 1, &first) != 0
                         ? unavailable("the first request failed; its words are above")
                         : serve_samples(&samples);
  close(client.fd);
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
