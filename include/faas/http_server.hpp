// HTTP front end over the public API: POST /function/NAME, AWS Lambda's wire format, /faas/v1,
// health and metrics. Not included by faas.hpp.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <faas/error.hpp>
#include <faas/host.hpp>
#include <faas/observer.hpp>
#include <faas/runtime.hpp>
#include <memory>
#include <string>

namespace faas::inline v0 {

// Counts calls, starts and refusals for /metrics (Prometheus text). Make it before the runtime and
// give it as Options::observer; it outlives both. Thread-safe.
class Metrics final : public Observer {
 public:
  Metrics();
  ~Metrics() override;
  void on_invocation(InvocationRecord const&) override;
  void on_refusal(RefusalRecord const&) override;
  void on_start(StartRecord const&) override;
  void on_event(std::string_view kind, std::string_view message) override;
  std::string text(RuntimeStatus const&) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct HttpServerOptions {
  // loopback only until sign-in exists: others are refused (denied)
  std::string address = "127.0.0.1";
  unsigned short port = 9000;  // 0: any free one
  std::string region = "us-east-1";
  Metrics* metrics = nullptr;  // outlives the server; without it /metrics answers 404
  unsigned max_connections = 10'240;
  Bytes max_request{70'167'211};      // of control calls; Invoke has Lambda's own 6,291,456
  std::string runtimes = "/usr/bin";  // for GET /faas/v1/doctor
};

// Serves until closed. Thread-safe.
class HttpServer {
 public:
  // Listens at once. Errors: denied (address not loopback), conflict (port in use; the message says
  // so), io.
  static Result<HttpServer> open(asio::any_io_executor, Runtime, HttpServerOptions);
  ~HttpServer();
  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;

  std::string address() const;  // "127.0.0.1:9000", with the port really bound
  void set_ready(bool);         // /readyz answers 200 or 503; ready after open
  // Stops accepting, lets requests in hand finish at most `patience`, closes the rest.
  asio::awaitable<void> close(Duration patience);

 private:
  struct Impl;
  explicit HttpServer(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

// The body of GET /faas/v1/doctor:
// {"Worst","Checks":[{"Name","State","Found","Cost","Fix"}],"Interpreters"}.
std::string host_report_json(HostReport const&);

}  // namespace faas::inline v0
