// The commands and their flags, as CLI11's tree: what is parsed, completed and described in the
// manual is one thing.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "command_line.hpp"

namespace faasd {

// Of `faasd --help`, in its order.
inline constexpr char const* kServing = "Serve";
inline constexpr char const* kDeploying = "Deploy";
inline constexpr char const* kReleasing = "Release";
inline constexpr char const* kCalling = "Call and watch";
inline constexpr char const* kProgram = "This program";

// What is parsed goes to `out`, which outlives the tree.
std::unique_ptr<CLI::App> command_tree(CommandLine& out);

// A command that asks a daemon: has --url and --json.
CLI::App* add_client(CLI::App&, CommandLine& out, std::string const& group, std::string const& name,
                     std::string const& about);
void add_json(CLI::App* command, CommandLine& out);
// The name of a function that is there, which a shell completes by asking the daemon.
CLI::Option* add_function(CLI::App* command, CommandLine& out,
                          std::string const& about = "The function's name");
// Types of values that a shell can complete; FILE and DIR are others.
inline constexpr char const* kFunctionType = "FUNCTION";
inline constexpr char const* kPackageType = "DIR|ZIP";
inline constexpr char const* kShellType = "SHELL";

// As the configuration file has it. Signed, for CLI11 takes -1 for a huge unsigned number; not in
// --help, where it would be part of the type's name.
CLI::Validator within(std::int64_t low, std::int64_t high);

// One file each group.
void add_release(CLI::App&, CommandLine& out);   // versions, publish, alias, concurrency, why
void add_manifest(CLI::App&, CommandLine& out);  // apply, export
void add_shell(CLI::App&, CommandLine& out);     // completion, man

}  // namespace faasd
