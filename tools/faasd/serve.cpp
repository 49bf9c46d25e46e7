#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <faas/http_server.hpp>
#include <faas/runtime.hpp>
#include <filesystem>
#include <thread>
#include <vector>

#include "commands.hpp"
#include "output.hpp"

namespace faasd {
namespace {

namespace asio = boost::asio;
using faas::Errc;
using faas::Error;
using faas::Result;

constexpr auto kAnswersOut =
    std::chrono::seconds(2);  // for what is being written when the last call has ended

// Each instance takes a few descriptors, each client one.
void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string variable(char const* name) {
  char const* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string default_state() {
  if (::geteuid() == 0) return "/var/lib/faasd";
  if (auto const xdg = variable("XDG_STATE_HOME"); xdg.starts_with('/')) return xdg + "/faasd";
  return variable("HOME") + "/.local/state/faasd";
}

Result<std::string> make_state_directory(std::string const& wanted) {
  auto const path = std::filesystem::absolute(wanted.empty() ? default_state() : wanted);
  std::error_code error;
  bool const made = std::filesystem::create_directories(path, error);
  if (error) {
    return Error{
        Errc::io,
        fmt::format("The state directory {} cannot be made: {}", path.string(), error.message()),
        "", "state"};
  }
  if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  return path.string();
}

faas::Options runtime_options(faas::DaemonConfig const& config, std::string state,
                              std::string cgroup) {
  faas::Options options;
  options.state_dir = std::move(state);
  options.runtimes = config.runtimes;
  options.region = config.region;
  options.allow_degraded = config.allow_degraded;
  options.upkeep = true;
  options.threads = config.threads;
  options.scheduler.max_instances = config.max_instances;
  options.scheduler.memory = faas::Bytes{config.memory << 20};
  options.scheduler.queue = config.queue;
  options.scheduler.account_concurrency = config.account_concurrency;
  options.scheduler.caller_rate = config.caller_rate;
  options.scheduler.caller_burst = config.caller_burst;
  options.scheduler.scaling_burst = config.scaling_burst;
  options.scheduler.scaling_rate = config.scaling_rate;
  options.scheduler.cpus = config.cpus;
  options.scheduler.pids = config.pids;
  options.scheduler.fds = config.fds;
  options.scheduler.idle_expiry = std::chrono::seconds(config.idle_expiry);
  options.cgroup_root = config.cgroup_root.empty() ? std::move(cgroup) : config.cgroup_root;
  options.uid_base = config.uid_base;
  options.uid_count = config.uid_count;
  options.networks = config.networks;
  options.shells = config.shells;
  options.log_size = faas::Bytes{config.log_size << 20};
  return options;
}

Result<faas::HttpServerOptions> http_options(faas::DaemonConfig const& config,
                                             faas::HostPort const& listen) {
  faas::HttpServerOptions options;
  options.address = listen.host;
  options.port = listen.port;
  options.region = config.region;
  options.max_connections = config.max_connections;
  options.runtimes = config.runtimes;
  options.require_sign_in = config.require_sign_in;
  options.hosts = config.host;
  options.socket = config.socket;
  options.tls = {config.tls_certificate, config.tls_key, config.tls_client_ca};
  options.insecure_http = config.insecure_http;
  if (config.access.empty()) return options;
  auto access = faas::read_access_file(config.access);
  if (!access) return access.error();
  options.access = std::move(*access);
  return options;
}

// Readiness fails first; running calls finish and are answered; then everything goes.
asio::awaitable<void> serve_until_signal(asio::io_context& io, faas::Runtime runtime,
                                         faas::HttpServer& server, std::chrono::seconds patience) {
  asio::signal_set signals(io, SIGTERM, SIGINT);
  co_await signals.async_wait(asio::use_awaitable);
  fmt::print(stderr, "faasd: stopping; running calls have {} s\n", patience.count());
  signals.async_wait([&io](boost::system::error_code error, int) {
    if (!error) io.stop();  // asked twice: every jail is killed
  });
  server.set_ready(false);
  bool const drained = co_await runtime.drain(patience);
  if (!drained)
    fmt::print(stderr, "faasd: some calls still ran after {} s and were ended\n", patience.count());
  co_await runtime.close();
  co_await server.close(kAnswersOut);
  io.stop();
}

void run_on(asio::io_context& io, unsigned threads) {
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back([&io] { io.run(); });
  io.run();
}

int fail_to_open(Error const& error) {
  int const status = fail(error);
  if (error.code == Errc::unsupported && error.message.find("degraded") != std::string::npos) {
    fmt::print(stderr, "  To run with weaker limits: faasd serve --allow-degraded\n");
  }
  return status;
}

}  // namespace

int serve(CommandLine const& line) {
  auto const& config = line.config;
  auto const listen = faas::parse_listen(config.listen);
  if (!listen) return fail(listen.error());
  auto http = http_options(config, *listen);
  if (!http) return fail(http.error());
  raise_open_files();
  auto state = make_state_directory(config.state);
  if (!state) return fail(state.error());
  auto cgroup = faas::claim_delegated_cgroup();
  if (!cgroup) return fail(cgroup.error());

  faas::Metrics metrics;
  asio::io_context io(static_cast<int>(config.threads));
  auto key = faas::find_secrets_key(config.secrets_key_file, variable("CREDENTIALS_DIRECTORY"));
  if (!key) return fail(key.error());
  auto options = runtime_options(config, std::move(*state), std::move(*cgroup));
  options.secrets_key = std::move(*key);
  options.observer = &metrics;
  auto runtime = faas::Runtime::open(io.get_executor(), std::move(options));
  if (!runtime) return fail_to_open(runtime.error());
  http->metrics = &metrics;
  auto server = faas::HttpServer::open(io.get_executor(), *runtime, std::move(*http));
  if (!server) return fail(server.error());

  asio::co_spawn(
      io, serve_until_signal(io, *runtime, *server, std::chrono::seconds(config.drain_timeout)),
      asio::detached);
  fmt::print("faasd " FAASD_VERSION " listening on {}://{}\n",
             config.tls_certificate.empty() ? "http" : "https", server->address());
  std::fflush(stdout);
  run_on(io, config.threads);
  return kOk;
}

}  // namespace faasd
