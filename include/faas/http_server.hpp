// HTTP front end over the public API: POST /function/NAME, AWS Lambda's wire format, /faas/v1,
// health and metrics. Not included by faas.hpp.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <faas/access.hpp>
#include <faas/error.hpp>
#include <faas/host.hpp>
#include <faas/observer.hpp>
#include <faas/runtime.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

// PEM files. Without a certificate HTTP is plain. TLS 1.2 at least.
struct TlsOptions {
  std::string certificate;  // the server's, then those between it and a root
  std::string key;
  // Not empty: every client must show a certificate that one of these signed; Principal's
  // certificate_sha256 says who it is.
  std::string client_ca;
};

struct HttpServerOptions {
  // Beyond loopback only with `access`, and with TLS or `insecure_http`. What comes to an address
  // beyond loopback is never local, wherever it comes from.
  std::string address = "127.0.0.1";
  unsigned short port = 9000;  // 0: any free one
  std::string region = "us-east-1";
  Metrics* metrics = nullptr;  // outlives the server; without it /metrics answers 404
  unsigned max_connections = 10'240;
  Bytes max_request{70'167'211};      // of control calls; Invoke has Lambda's own 6,291,456
  std::string runtimes = "/usr/bin";  // for GET /faas/v1/doctor

  // Who may do what. /healthz and /readyz are everybody's. A request signs in by an AWS signature
  // (SigV4), an API key (`Authorization: Bearer KEY` or `X-Api-Key: KEY`), its client certificate
  // or its uid. Local clients (a loopback address, or the Unix socket as root or as this process's
  // user) that do not sign in are operators: they may do everything. Without `access` they are
  // whatever they send, and nobody else is served.
  std::optional<Access> access;
  bool require_sign_in = false;  // of local clients, too; behind a proxy on this host, say
  // Names by which clients may call this server (Host, Origin) beside loopback's and `address`;
  // "*": by any, which gives up what Host protects from (DNS rebinding), so only where local
  // clients must sign in, too.
  std::vector<std::string> hosts;
  TlsOptions tls;
  bool insecure_http = false;  // beyond loopback without TLS: keys and payloads go in the clear
  // A Unix socket to listen on, too (mode 0660, plain HTTP); its directory exists. A socket file
  // that nobody answers at is replaced.
  std::string socket;
};

// Serves until closed. Thread-safe.
class HttpServer {
 public:
  // Listens at once. Errors: denied (an address beyond loopback without sign-in or TLS; reason
  // NotLoopback or PlainHttp), invalid_argument (address, access, TLS files), conflict (port or
  // socket in use; the message says so), io.
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
