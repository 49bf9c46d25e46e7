#include "command_line.hpp"

#include <limits>

#include "tree.hpp"

namespace faasd {
namespace {

constexpr char const* kFooter =
    "Exit status: 0 done; 1 refused or failed; 2 wrong usage or configuration; 3 no daemon "
    "answers;\n"
    "4 the function failed; doctor: 5 degraded, 6 a jail cannot be built here; apply --dry-run:\n"
    "7 there is something to do.";

constexpr std::int64_t kMany = std::numeric_limits<std::uint32_t>::max();

void add_url(CLI::App* command, CommandLine& out) {
  command->add_option("--url", out.url, "Where the daemon is")
      ->envname("FAASD_URL")
      ->type_name("URL")
      ->default_str("http://127.0.0.1:9000");
}

// Whose calls, and how many of them; 0 is no limit.
void add_limits(CLI::App& serve, faas::DaemonConfig& c) {
  auto const add = [&](char const* flag, unsigned& value, char const* help, std::int64_t low = 0) {
    serve.add_option(flag, value, help)->check(within(low, kMany))->capture_default_str();
  };
  add("--account-concurrency", c.account_concurrency,
      "Calls of one account that wait or run at once; 0: no limit");
  add("--caller-rate", c.caller_rate, "Calls a second of one caller; 0: no limit");
  add("--caller-burst", c.caller_burst, "Calls of one caller at once; 0: as many as the rate");
  add("--scaling-burst", c.scaling_burst, "New instances of one function at once", 1);
  add("--scaling-rate", c.scaling_rate, "and then a second; 0: no limit");
  add("--cpus", c.cpus, "CPUs that instances may count for together; 0: no limit");
  add("--pids", c.pids, "Processes that instances may have together; 0: no limit");
  add("--fds", c.fds, "Descriptors of the daemon for its instances; 0: no limit");
}

void add_access(CLI::App* serve, faas::DaemonConfig& c) {
  serve->add_option("--access", c.access, "Who may do what: JSON, readable by its owner only")
      ->type_name("FILE");
  serve->add_flag("--require-sign-in", c.require_sign_in, "Of clients on this host, too");
  serve->add_option("--host", c.host, "Another name that clients call this server by; repeat it")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  serve->add_option("--socket", c.socket, "A Unix socket to listen on, too")->type_name("PATH");
  serve->add_option("--tls-certificate", c.tls_certificate, "PEM; with it HTTP is spoken over TLS")
      ->type_name("FILE");
  serve->add_option("--tls-key", c.tls_key, "PEM, of the certificate")->type_name("FILE");
  serve
      ->add_option("--tls-client-ca", c.tls_client_ca,
                   "PEM; clients must show a certificate that it signed")
      ->type_name("FILE");
  serve->add_flag("--insecure-http", c.insecure_http,
                  "Listen beyond loopback without TLS: keys go in the clear");
}

void add_serve(CLI::App& app, CommandLine& out) {
  auto& c = out.config;
  auto* serve = app.add_subcommand("serve", "Run the daemon until SIGTERM or SIGINT");
  serve->group(kServing);
  serve->add_option("--config", out.config_file, "JSON; its keys are these flags with _ for -")
      ->type_name("FILE");
  serve->add_option("--listen", c.listen, "Where; beyond loopback with --access only")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  serve
      ->add_option("--state", c.state,
                   "State directory [/var/lib/faasd as root, else below ~/.local/state]")
      ->type_name("DIR");
  serve->add_flag("--allow-degraded", c.allow_degraded,
                  "Start although the host lacks cgroup v2 controllers");
  serve->add_option("--max-instances", c.max_instances, "Instances at most")
      ->check(within(1, kMany))
      ->capture_default_str();
  serve->add_option("--memory", c.memory, "MB that all instances may have together; 0: no limit")
      ->check(within(0, std::int64_t{1} << 40))
      ->capture_default_str();
  serve->add_option("--queue", c.queue, "Calls waiting at most")->capture_default_str();
  add_limits(*serve, c);
  serve->add_option("--idle-expiry", c.idle_expiry, "Seconds until an idle instance ends")
      ->capture_default_str();
  serve->add_option("--drain-timeout", c.drain_timeout, "Seconds that running calls get at the end")
      ->capture_default_str();
  serve->add_option("--threads", c.threads, "Threads of the event loop, 1 to 64")
      ->check(within(1, 64))
      ->capture_default_str();
  serve->add_option("--max-connections", c.max_connections, "Client connections at most")
      ->check(within(1, kMany))
      ->capture_default_str();
  serve->add_option("--log-size", c.log_size, "MB of one function's log")
      ->check(within(1, 1 << 20))
      ->capture_default_str();
  serve
      ->add_option("--secrets-key-file", c.secrets_key_file,
                   "A key (32 bytes or 64 hex digits) that seals stored environments")
      ->type_name("FILE");
  serve->add_option("--runtimes", c.runtimes, "Where interpreters are")
      ->type_name("DIR")
      ->capture_default_str();
  serve->add_option("--region", c.region, "The region in ARNs")->capture_default_str();
  serve->add_option("--cgroup-root", c.cgroup_root, "A delegated cgroup v2 directory")
      ->type_name("DIR");
  serve->add_option("--uid-base", c.uid_base, "As root: first host id of jails")
      ->check(within(1, kMany))
      ->capture_default_str();
  serve->add_option("--uid-count", c.uid_count, "As root: how many ids")
      ->check(within(1, kMany))
      ->capture_default_str();
  serve->add_option("--networks", c.networks, "As root: networks and cgroups ready for starts")
      ->check(within(0, 256))
      ->capture_default_str();
  serve
      ->add_option("--shells", c.shells,
                   "As root: jails ready for their program, of each of the last four kinds")
      ->check(within(0, 64))
      ->capture_default_str();
  add_access(serve, c);
}

void add_key(CLI::App& app, CommandLine& out) {
  auto* key = app.add_subcommand("key", "Keys of clients");
  key->group(kServing);
  key->require_subcommand(1);
  auto* made = key->add_subcommand("new", "Print a fresh key, and the access file's entry for it");
  made->add_option("--name", out.principal.name, "Whose it is")->required();
  made->add_option("--account", out.principal.account, "12 digits, or * for an operator")
      ->capture_default_str();
  made->add_option("--allow", out.allow, "What it may do, e.g. 'lambda:* on img-*'; repeat it")
      ->type_name("'ACTIONS on FUNCTIONS'")
      ->expected(1)
      ->take_all();
  made->add_flag("--sigv4", out.sigv4, "An access key and its secret, for AWS's tools");
}

void add_deploy(CLI::App& app, CommandLine& out) {
  auto& d = out.deploy;
  auto* deploy = add_client(app, out, kDeploying, "deploy", "Create or update a function");
  deploy->add_option("name", d.name, "The function's name")->required();
  deploy->add_option("path", d.path, "A directory or a zip file")
      ->type_name(kPackageType)
      ->required();
  deploy->add_option(
      "--runtime", d.runtime,
      "provided.al2023, native, python3.11, nodejs20.x, … (required for a new function)");
  deploy->add_option(
      "--handler", d.handler,
      "MODULE.FUNCTION [lambda_function.lambda_handler, index.handler or bootstrap]");
  deploy->add_option("--memory", d.memory, "MB, 128 to 10240 [128]")->check(within(128, 10'240));
  deploy->add_option("--tmp", d.tmp, "MB of /tmp, 512 to 10240 [512]")->check(within(512, 10'240));
  deploy->add_option("--timeout", d.timeout, "Seconds, 1 to 900 [3]")->check(within(1, 900));
  deploy->add_option("--capacity", d.capacity, "Calls at once in one instance, 1 to 1600 [1]")
      ->check(within(1, 1600));
  deploy->add_option("--description", d.description, "At most 256 characters");
  deploy
      ->add_option("--env", out.environment,
                   "A variable of its environment; repeat it. Replaces all of them")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
}

void add_calls(CLI::App& app, CommandLine& out) {
  auto* invoke =
      add_client(app, out, kCalling, "invoke", "Call a function and print what it answers");
  add_function(invoke, out, "The function's name; NAME:QUALIFIER for a version or an alias");
  invoke->add_option("--qualifier", out.qualifier, "A version or an alias");
  invoke->add_option("--data", out.data,
                     "The event: JSON, @FILE, or @- for standard input [empty]");
  invoke->add_flag("--log", out.log, "Print the end of the call's log to standard error");
  auto* logs = add_client(app, out, kCalling, "logs", "Print what a function wrote");
  add_function(logs, out);
  logs->add_flag("-f,--follow", out.logs.follow, "Go on as more comes");
  logs->add_option("--tail", out.logs.tail, "Only the last so many bytes")
      ->type_name("BYTES")
      ->check(within(0, std::numeric_limits<std::int64_t>::max()));
}

void add_list(CLI::App& app, CommandLine& out) {
  auto* list = add_client(app, out, kDeploying, "list", "List the functions");
  list->add_flag("--names", out.names, "Only their names, one a line");
  auto* remove = add_client(app, out, kDeploying, "delete", "Delete a function");
  add_function(remove, out);
}

void add_watching(CLI::App& app, CommandLine& out) {
  add_client(app, out, kCalling, "ps", "List the instances");
  add_client(app, out, kCalling, "status", "Show how the daemon is");
}

bool typed(CLI::App const& command, char const* option) {
  auto const* found = command.get_option_no_throw(option);
  return found != nullptr && found->count() > 0;
}

// A word that is no command is named, where CLI11 only says that there is no command.
std::string complaint(CLI::App const* app, CLI::Error const& error) {
  auto const words = app->remaining();
  bool const no_command = app->get_subcommands().empty() && !words.empty();
  auto const what =
      no_command ? "'" + words.front() + "' is no command" : std::string(error.what());
  return "faasd: " + what + "\n  Run `faasd --help`, or --help after a command.\n";
}

}  // namespace

CLI::Validator within(std::int64_t low, std::int64_t high) {
  return CLI::Range(low, high).description("");
}

void add_json(CLI::App* command, CommandLine& out) {
  command->add_flag("--json", out.json, "Print JSON");
}

CLI::App* add_client(CLI::App& app, CommandLine& out, std::string const& group,
                     std::string const& name, std::string const& about) {
  auto* command = app.add_subcommand(name, about);
  command->group(group);
  add_url(command, out);
  add_json(command, out);
  return command;
}

CLI::Option* add_function(CLI::App* command, CommandLine& out, std::string const& about) {
  return command->add_option("name", out.name, about)->type_name(kFunctionType)->required();
}

std::unique_ptr<CLI::App> command_tree(CommandLine& out) {
  auto tree = std::make_unique<CLI::App>("faasd: functions you do not trust, each in its own jail",
                                         "faasd");
  auto& app = *tree;
  app.require_subcommand(1);
  app.set_version_flag("--version", "faasd " FAASD_VERSION);
  app.footer(kFooter);
  app.failure_message(complaint);
  add_serve(app, out);
  add_client(app, out, kServing, "doctor",
             "Say what this host can enforce (with --url: the daemon's host)");
  add_key(app, out);
  add_deploy(app, out);
  add_list(app, out);
  add_manifest(app, out);
  add_release(app, out);
  add_calls(app, out);
  add_watching(app, out);
  auto* version = app.add_subcommand("version", "Print the version");
  version->group(kProgram);
  add_json(version, out);
  add_shell(app, out);
  return tree;
}

std::optional<int> parse(int argc, char** argv, CommandLine& out) {
  auto const tree = command_tree(out);
  auto& app = *tree;
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  }
  auto const* command = app.get_subcommands().front();
  out.command = command->get_name();
  out.url_given = typed(*command, "--url");
  // Every subcommand's --url reads the environment, also those that were not typed.
  out.url = out.url_given ? command->get_option("--url")->as<std::string>()
                          : std::string("http://127.0.0.1:9000");
  return std::nullopt;
}

}  // namespace faasd
