// Functions as a file says they should be (`faasd apply`), and as a daemon has them
// (`faasd export`).
//
// The file is YAML or JSON:
//
//   stack: shop                  # whose functions these are; else the file's base name
//   functions:
//     hello:
//       runtime: python3.11
//       handler: app.handler     # else Lambda's usual one for the runtime
//       code: hello/             # a directory or a zip, relative to this file
//       memory: 128              # MB
//       timeout: 3               # seconds
//       tmp: 512                 # MB of /tmp
//       capacity: 1              # calls at once in one instance
//       environment: {NAME: value}
//       description: text
//       layers: [arn]
//       tags: {key: value}
//       reserved_concurrency: 5  # or none
//       aliases:
//         live: {version: published, weights: {2: 10}, description: text}  # or {version: none}
//       provisioned: {live: 2}   # instances for a version or an alias; 0: none
//
// or a SAM template, of which AWS::Serverless::Function is read (Globals.Function, CodeUri,
// Handler, Runtime, Timeout, MemorySize, Environment.Variables, Description, FunctionName,
// AutoPublishAlias; also EphemeralStorage, Layers, Tags, ReservedConcurrentExecutions,
// ProvisionedConcurrencyConfig). What would have to be resolved by CloudFormation (!Ref, !Sub,
// Parameters, Events, …) is refused with its line.
//
// A function's configuration is as the file says, Lambda's default where it says nothing. Tags,
// aliases, provisioned instances and reserved concurrency, which others change while a function
// runs, are left alone where the file does not name them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <faas/control.hpp>
#include <faas/releases.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faas::inline v0 {

// Calls of an alias go to a version: a number, or kPublished. kNone: there is to be no such alias.
struct ManifestAlias {
  std::string version;
  Weights weights;
  std::string description;
  friend bool operator==(ManifestAlias const&, ManifestAlias const&) = default;
};
// What the function is now, published as a version if it is none yet.
inline constexpr std::string_view kPublished = "published";
inline constexpr std::string_view kNone = "none";

// How many calls at once are reserved; none: it shares the account's.
struct ReservedCalls {
  std::optional<std::uint64_t> calls;
  friend bool operator==(ReservedCalls const&, ReservedCalls const&) = default;
};

struct ManifestFunction {
  std::string name;
  std::string runtime, handler;  // empty: of a new function, refused
  std::string code;              // a path; empty: the code that is there stays
  std::uint64_t memory = 128, timeout = 3, tmp = 512, capacity = 1;
  std::map<std::string, std::string> environment;
  std::string description;
  std::vector<std::string> layers;
  std::map<std::string, std::string> tags;
  std::optional<ReservedCalls> reserved;  // unset: left as it is
  std::map<std::string, ManifestAlias> aliases;
  std::map<std::string, std::uint64_t> provisioned;
  std::size_t line = 0;  // where the file names it
};

struct Manifest {
  std::string stack;         // [A-Za-z0-9._-]{1,128}
  bool stack_named = false;  // by the file or the caller, rather than taken from the file's name
  std::string origin;        // the file, as it was typed
  std::vector<ManifestFunction> functions;
  std::vector<std::string> notes;  // sentences about what was left out
};

// Errors: invalid_argument, layer "manifest": "shop.yaml:7: what is wrong". Paths of code are
// relative to the directory of `origin`.
Result<Manifest> read_manifest(std::string_view text, std::string const& origin);
// Errors: also not_found, denied, io.
Result<Manifest> read_manifest_file(std::string const& path);

// What read_manifest reads as the same again.
enum class ManifestForm { yaml, json };
std::string write_manifest(Manifest const&, ManifestForm);

// One difference. Of an environment variable only its name is told, never its value.
struct Difference {
  std::string field;     // "memory", "environment.KEY", "aliases.live"
  std::string from, to;  // as text; empty: there is none
};
// One thing that apply does.
struct AppliedStep {
  enum class Kind { create, update, remove };  // of a function, or of something of it
  Kind kind = Kind::update;
  std::string function;
  std::vector<Difference> differences;
};

struct ApplyOptions {
  bool dry_run = false;  // tell the steps, and do none
  // Remove functions that an earlier apply of this stack created and that the file has no more.
  // Needs a stack with a name of its own: two projects may both have a template.yaml.
  bool prune = false;
  // Called before each step is taken.
  std::function<void(AppliedStep const&)> on_step;
};
struct ApplyReply {
  std::vector<AppliedStep> steps;  // empty: everything is as the file says
  std::size_t unchanged = 0;       // functions of the file that were so already
};
// Makes the daemon's functions as the manifest says, one step after the other; a step that fails
// ends it, and those before it stay. A second apply of the same finds nothing to do.
// Functions that apply creates get the tag kAppliedTag with the stack's name, and those of another
// stack that it finds move to this one; others never.
inline constexpr std::string_view kAppliedTag = "faas:applied";
Result<ApplyReply> apply_manifest(Client const&, Manifest const&, ApplyOptions const&);

// The functions of a daemon (all, or those named) as a manifest that makes them again. With
// `code_directory` their code is written there, a zip each, and named by the manifest; without, the
// manifest changes functions that are there. Values of environment variables are in it.
Result<Manifest> export_manifest(Client const&, std::vector<std::string> const& names,
                                 std::string const& code_directory = {});

}  // namespace faas::inline v0
