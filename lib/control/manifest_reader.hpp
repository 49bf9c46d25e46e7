// The two forms of a manifest, and what they share. Pure; they throw Complaint.
#pragma once

#include <faas/manifest.hpp>
#include <string>
#include <string_view>

#include "control/manifest_fields.hpp"

namespace faas::inline v0::control {

bool is_template(Node const& root);
void read_template(Node const& root, Manifest& into);
void read_own_form(Node const& root, Manifest& into);

// 1..64 of [a-zA-Z0-9-_]
void check_function_name(std::string_view name, std::size_t line);
void check_alias_name(std::string_view name, std::size_t line);
// Lambda's usual handler of a runtime; empty for an empty one.
std::string usual_handler(std::string_view runtime);
// A path of the file, as the one who reads it has it.
std::string path_beside(std::string const& origin, std::string const& path);
bool is_stack_name(std::string_view);
bool is_version(std::string_view);

// Lambda's ranges.
inline constexpr std::uint64_t kMaxMemory = 10'240, kMaxTimeout = 900, kMaxCapacity = 1600,
                               kMaxCalls = 1'000'000;

}  // namespace faas::inline v0::control
