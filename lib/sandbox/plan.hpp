// The ordered steps that build one jail and start one program in it. Pure data, made by a pure
// function.
#pragma once

#include <array>
#include <cstdint>
#include <faas/sandbox.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sandbox/facts.hpp"
#include "sandbox/wire.hpp"

namespace faas::inline v0::sandbox {

struct Number {
  std::uint64_t value = 0;
  char const* text = nullptr;  // how the source spells it
};
struct SlotArg {
  int index = 0;
  char const* text = nullptr;
};
struct Blob {  // bytes of a kernel structure, or of a file
  std::string bytes;
  std::string text;
};
struct List {
  std::vector<std::string> items;
};
struct Scratch {};
struct FilterArg {
  SeccompClass which = SeccompClass::general;
};
// A std::string is a path or another C string.
using Arg = std::variant<Number, SlotArg, std::string, Blob, List, Scratch, FilterArg>;

struct Call {
  std::uint32_t number = 0;
  char const* text = nullptr;
};

// One system call. `name` is what Failed::step says.
struct Step {
  char const* name = nullptr;
  wire::Where where = wire::Where::jail;
  Call call;
  std::vector<Arg> args;
  std::optional<SlotArg> into;
  wire::Check check = wire::Check::done;
  std::uint64_t expected = 0;
};

struct Plan {
  std::vector<Step> steps;
  std::uint64_t clone_flags = 0;
  std::uint32_t owner = wire::kSpawnersOwn;  // host uid that makes the user namespace
};

// The host id that the jail's one uid and gid (1000) stand for.
Plan make_plan(Spec const&, Facts const&, std::uint32_t host_uid, std::uint32_t host_gid);

// The map of the jail's one id, as the kernel takes it.
std::string map_of(std::uint32_t host_id);

// The root that jails with these files stand on where they have ids of their own: built once, by a
// process in mount and pid namespaces of its own, and copied with the mount namespace of each jail.
Plan make_tree(std::vector<SpecFile> const& files, Facts const&);

// The steps that make a new network namespace one for a jail with a listener.
Plan make_network(Facts const&);

// One line a step, for people and for the golden test.
std::string to_text(Plan const&);

// steps[] and arena as a Start message carries them.
struct Encoded {
  std::string bytes;  // steps, then arena
  std::uint32_t steps = 0;
  std::uint32_t arena = 0;
};
Encoded encode(Plan const&);

}  // namespace faas::inline v0::sandbox
