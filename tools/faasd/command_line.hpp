// What was typed.
#pragma once

#include <cstdint>
#include <faas/control.hpp>
#include <optional>
#include <string>
#include <vector>

namespace faasd {

// Documented in --help.
enum Exit {
  kOk = 0,
  kRefused = 1,        // it did not work; standard error says why
  kUsage = 2,          // the command line or configuration is wrong
  kUnreachable = 3,    // no daemon answers
  kFunctionError = 4,  // the call was made and the function failed
  kDegraded = 5,       // doctor: this host works with limits
  kMissing = 6,        // doctor: a jail cannot be built here
  kPending = 7,        // apply --dry-run: there is something to do
};

// Of versions, publish, alias, concurrency and why.
struct ReleaseArguments {
  std::optional<std::string> description, alias, version;
  std::vector<std::string> weights;  // VERSION=PERCENT
  bool remove = false;
  std::optional<std::string> reserve;  // a number or "none"
  std::optional<std::uint64_t> provision;
  bool no_wait = false;
};

// Of apply and export.
struct ManifestArguments {
  std::string file, stack;
  bool dry_run = false, prune = false;
  std::vector<std::string> names;
  std::string code;  // a directory to write it to
};

struct CommandLine {
  std::string command;
  std::string url;
  bool url_given = false;  // --url or FAASD_URL, rather than the default
  bool json = false;

  faas::DaemonConfig config;  // serve
  std::string config_file;

  faas::DeployRequest deploy;
  std::vector<std::string> environment;  // NAME=VALUE

  faas::Principal principal;       // key new
  std::vector<std::string> allow;  // ACTIONS on FUNCTIONS
  bool sigv4 = false;

  std::string name;                 // of the function
  std::string qualifier;            // a version or an alias; empty: none was given
  bool names = false;               // list
  std::optional<std::string> data;  // JSON, @FILE or @- for standard input
  bool log = false;
  faas::LogRequest logs;
  ReleaseArguments release;
  ManifestArguments manifest;
  std::string shell;  // completion
};

// Nothing: go on with `out`. Else the exit status; what there was to say has been printed.
std::optional<int> parse(int argc, char** argv, CommandLine& out);

}  // namespace faasd
