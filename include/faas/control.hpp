// A daemon's configuration file, and a client of a running daemon. Blocking; for command lines and
// tools.
#pragma once

#include <cstdint>
#include <faas/access.hpp>
#include <faas/error.hpp>
#include <faas/host.hpp>
#include <faas/units.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0 {

// What `faasd serve` can be told. In a configuration file the keys are the long flags with `_`.
struct DaemonConfig {
  std::string listen = "127.0.0.1:9000";  // HOST:PORT; port 0: any free one
  std::string state;                      // directory; empty: the daemon's default
  bool allow_degraded = false;
  unsigned max_instances = 256;
  std::uint64_t memory = 0;  // MB over all instances (memory and /tmp); 0: no limit
  unsigned queue = 10'000;   // calls waiting over all functions
  // calls of one account that wait or run at once, as Lambda counts them; 0: no limit
  unsigned account_concurrency = 1000;
  // calls of one signed-in caller: so many a second, and a burst of so many at once; 0: no limit
  unsigned caller_rate = 0;
  unsigned caller_burst = 0;
  // new instances of one function: so many at once, and then so many a second; 0: no limit
  unsigned scaling_burst = 1000;
  unsigned scaling_rate = 100;
  // budgets over all instances; 0: no limit. An instance counts for a CPU, or more by its memory,
  // for 1,024 processes and threads, and for 16 descriptors of the daemon
  unsigned cpus = 0, pids = 0, fds = 0;
  unsigned idle_expiry = 600;   // seconds
  unsigned drain_timeout = 30;  // seconds
  unsigned threads = 1;         // 1..64, that run the event loop
  unsigned max_connections = 10'240;
  std::uint64_t log_size = 1;    // MB of one function's log, kept twice
  std::string secrets_key_file;  // see find_secrets_key; empty: no file
  std::string runtimes = "/usr/bin";
  std::string region = "us-east-1";
  std::string cgroup_root;  // a delegated cgroup2 directory; empty: found by itself
  std::uint32_t uid_base = 100'000'000;
  std::uint32_t uid_count = 65'536;
  unsigned networks = 8;  // 0..256, made ahead of starts, as root
  unsigned shells = 0;    // 0..64 of each kind: whole jails made ahead, as root
  // HttpServerOptions says what these mean; `access` is a file for read_access_file.
  std::string access;
  bool require_sign_in = false;
  std::vector<std::string> host;
  std::string socket;
  std::string tls_certificate, tls_key, tls_client_ca;
  bool insecure_http = false;
};

// `base` with what the text (one JSON object) sets. `origin` names it in messages. Errors:
// invalid_argument: "faasd.json:3: unknown key 'lisen'", also for a wrong type or range and bad
// JSON.
Result<DaemonConfig> read_config(std::string_view text, std::string_view origin,
                                 DaemonConfig base = {});
// Errors: not_found, denied, io; as read_config.
Result<DaemonConfig> read_config_file(std::string const& path, DaemonConfig base = {});
// "127.0.0.1:9000", "[::1]:0", "localhost:9000". Errors: invalid_argument.
struct HostPort {
  std::string host;
  unsigned short port = 0;
};
Result<HostPort> parse_listen(std::string_view);

// An access file, JSON or YAML:
//   {"Principals":[{"Name","Account","AccessKeyId","SecretAccessKey","ApiKeySha256",
//     "CertificateSha256","Uid","Allow":[{"Functions":["…"],"Actions":["…"]}]}]}
// At most 1 MiB. Only Name is required; access.hpp says what each means. Errors: as read_config.
Result<Access> read_access(std::string_view text, std::string_view origin);
// Errors: not_found, io; denied, also if others than its owner may read it; as read_access.
Result<Access> read_access_file(std::string const& path);

// "lambda:InvokeFunction,lambda:Get* on img-*,resize". Errors: invalid_argument.
Result<Grant> parse_grant(std::string_view);

enum class KeyKind { api_key, sigv4 };
struct NewKey {
  std::string for_client;  // to be shown once: the API key, or `AWS_ACCESS_KEY_ID=…` and its secret
  std::string entry;       // of the access file's Principals; of an API key it has the hash only
};
// A principal with a fresh random credential (256 bits). Errors: invalid_argument, io.
Result<NewKey> new_key(Principal, KeyKind);

// For Options::secrets_key: of the file (32 bytes, or 64 hex digits), which nobody but its owner
// may open; without one, of "faasd-secrets-key" in systemd's directory of credentials
// (CREDENTIALS_DIRECTORY; empty: none). Empty: there is neither. Errors: not_found (the file),
// denied (others may open it), invalid_argument (it holds no key), io; none repeats what was read.
Result<std::string> find_secrets_key(std::string const& file,
                                     std::string const& credentials_directory);

// If this process stands in a cgroup2 directory that was delegated to it (systemd's Delegate=yes),
// moves it into a leaf below and returns the directory, for Options::cgroup_root. Empty: nothing
// was delegated and nothing was moved. Errors: io.
Result<std::string> claim_delegated_cgroup();

// What a person should type next after this error; may be empty.
std::string next_step(Error const&);

// Bytes that went out, and of how many.
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// What is unset stays as it is, or has Lambda's default in a new function.
struct DeployRequest {
  std::string name;
  std::string path;                    // a zip file or a directory
  std::optional<std::string> runtime;  // required for a new function
  std::optional<std::string> handler;
  std::optional<std::string> description;
  std::optional<std::uint64_t> memory, tmp;  // MB
  std::optional<std::uint64_t> timeout;      // seconds
  std::optional<std::uint64_t> capacity;     // calls at once in one instance
  std::optional<std::map<std::string, std::string>> environment;
};

// `json` of each reply is what the daemon said, for programs.
struct DeployReply {
  bool created = false;
  std::string arn, runtime, handler, code_sha256;
  std::uint64_t code_size = 0, memory = 0, timeout = 0;
  std::string json;
};
struct InvokeReply {
  bool function_error = false;
  std::string payload;
  std::string version;  // that ran: "$LATEST" or a number
  std::string start;    // warm | fork | pooled | cold | first
  std::string request_id;
  std::string log;  // the last 4,096 bytes, if asked for
  Duration took{};  // seen from here
};
struct FunctionSummary {
  std::string name, runtime, handler, last_modified;
  std::uint64_t memory = 0, timeout = 0, code_size = 0;  // MB, seconds, bytes
};
struct FunctionList {
  std::vector<FunctionSummary> functions;
  std::string json;
};
struct InstanceSummary {
  std::string function, phase, started;
  std::uint64_t instance = 0, calls = 0, max_memory = 0;
};
struct InstanceList {
  std::vector<InstanceSummary> instances;
  std::string json;
};
struct StatusReply {
  std::vector<std::pair<std::string, std::string>> fields;  // in the daemon's order
  std::string json;
};
struct DoctorReply {
  HostReport report;
  std::string json;
};
struct LogRequest {
  std::uint64_t tail = 0;  // the last so many bytes first; 0: all that is kept
  bool follow = false;     // goes on until the daemon stops or `text` says enough
};

// A client of one daemon. Each call is one connection; blocks the calling thread. Errors:
// unavailable (nobody answers there), deadline, io; else what the daemon refused, with its code,
// reason and message.
class Client {
 public:
  // `api_key` goes with every request; empty: none. Errors: invalid_argument, unsupported (neither
  // http nor unix).
  static Result<Client> open(std::string_view url, std::string api_key = {});
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Creates or updates, code and configuration in one step.
  Result<DeployReply> deploy(DeployRequest const&, Progress const& = {}) const;
  // A function that failed is not an error: see function_error. `name` may be NAME:QUALIFIER or an
  // ARN; the qualifier (a version or an alias) may be given beside it.
  Result<InvokeReply> invoke(std::string_view name, std::string payload, bool log_tail = false,
                             std::string_view qualifier = {}) const;
  Result<FunctionList> list() const;
  Result<void> remove(std::string_view name) const;
  // `text` gets the log as it comes; false ends it.
  Result<void> logs(std::string_view name, LogRequest,
                    std::function<bool(std::string_view)> text) const;
  Result<InstanceList> instances() const;
  Result<StatusReply> status() const;
  Result<DoctorReply> doctor() const;

  // The bytes of a directory or zip, stored by the daemon. Returns the digest to deploy them by.
  Result<std::string> upload(std::string const& path, Progress const& = {}) const;
  // Any other request of the daemon's, JSON in and out; releases.hpp and manifest.hpp are made of
  // these. The body of a 2xx response.
  Result<std::string> request(std::string_view method, std::string target,
                              std::string body = {}) const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace faas::inline v0
