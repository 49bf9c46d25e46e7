// A plan as text for people, and as the bytes the spawner walks.
#include <fmt/format.h>

#include <cstring>

#include "base/check.hpp"
#include "base/text.hpp"
#include "sandbox/plan.hpp"

namespace faas::inline v0::sandbox {
namespace {

char const* to_text(wire::Where where) {
  switch (where) {
    case wire::Where::before: return "before ";
    case wire::Where::after: return "after  ";
    case wire::Where::jail: return "jail   ";
    case wire::Where::network: return "network";
    case wire::Where::package: return "package";
    case wire::Where::program: return "program";
    case wire::Where::tree: return "tree   ";
  }
  return "?";
}

char const* to_text(SeccompClass which) {
  switch (which) {
    case SeccompClass::general: return "general";
    case SeccompClass::python: return "python";
    case SeccompClass::node: return "node";
    case SeccompClass::native: return "native";
  }
  return "?";
}

struct ArgText {
  std::string operator()(Number const& n) const {
    return n.text ? n.text : std::to_string(n.value);
  }
  std::string operator()(SlotArg const& s) const { return fmt::format("<{}>", s.text); }
  std::string operator()(std::string const& s) const { return json_quote(s); }
  std::string operator()(Blob const& b) const { return b.text; }
  std::string operator()(List const& l) const {
    std::string text = "[";
    for (auto const& item : l.items) text += (text.size() > 1 ? ", " : "") + json_quote(item);
    return text + "]";
  }
  std::string operator()(Scratch) const { return "<scratch>"; }
  std::string operator()(FilterArg f) const { return fmt::format("<filter {}>", to_text(f.which)); }
};

// Strings and structures behind the steps; offsets are into it, and every structure is aligned.
class Arena {
 public:
  std::uint64_t add(std::string_view bytes, bool terminated) {
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    auto const at = bytes_.size();
    bytes_ += bytes;
    if (terminated) bytes_ += '\0';
    return at;
  }
  std::uint64_t add(List const& list) {
    std::vector<std::uint64_t> offsets;
    for (auto const& item : list.items) offsets.push_back(add(item, true));
    offsets.push_back(~0ull);  // the spawner makes the null pointer of it
    return add({reinterpret_cast<char const*>(offsets.data()), offsets.size() * 8}, false);
  }
  std::string bytes_;
};

struct ArgEncoder {
  Arena& arena;
  wire::ArgKind& kind;
  std::uint64_t operator()(Number const& n) const { return set(wire::ArgKind::number, n.value); }
  std::uint64_t operator()(SlotArg const& s) const {
    return set(wire::ArgKind::slot, static_cast<std::uint64_t>(s.index));
  }
  std::uint64_t operator()(std::string const& s) const {
    return set(wire::ArgKind::data, arena.add(s, true));
  }
  std::uint64_t operator()(Blob const& b) const {
    return set(wire::ArgKind::data, arena.add(b.bytes, false));
  }
  std::uint64_t operator()(List const& l) const { return set(wire::ArgKind::list, arena.add(l)); }
  std::uint64_t operator()(Scratch) const { return set(wire::ArgKind::scratch, 0); }
  std::uint64_t operator()(FilterArg f) const {
    return set(wire::ArgKind::filter, static_cast<std::uint64_t>(f.which));
  }
  std::uint64_t set(wire::ArgKind k, std::uint64_t value) const {
    kind = k;
    return value;
  }
};

wire::Step encode(Step const& step, Arena& arena) {
  wire::Step out{};
  FAAS_CHECK(std::strlen(step.name) < sizeof out.name && step.args.size() <= 6);
  std::strcpy(out.name, step.name);
  out.call = step.call.number;
  out.where = step.where;
  out.check = step.check;
  out.into = step.into ? static_cast<std::int8_t>(step.into->index) : std::int8_t{-1};
  out.expected = step.expected;
  for (std::size_t i = 0; i < step.args.size(); ++i)
    out.args[i] = std::visit(ArgEncoder{arena, out.kinds[i]}, step.args[i]);
  return out;
}

}  // namespace

std::string to_text(Plan const& plan) {
  auto const owner = plan.owner == wire::kSpawnersOwn ? "" : fmt::format(" by uid {}", plan.owner);
  std::string text = fmt::format("clone3 flags {:#x}{}\n", plan.clone_flags, owner);
  for (auto const& step : plan.steps) {
    text += fmt::format("{}  {:<22} ", to_text(step.where), step.name);
    if (step.into) text += fmt::format("<{}> = ", step.into->text);
    text += step.call.text;
    text += '(';
    for (std::size_t i = 0; i < step.args.size(); ++i)
      text += (i ? ", " : "") + std::visit(ArgText{}, step.args[i]);
    text += ')';
    if (step.check == wire::Check::equals) text += fmt::format(" == {}", step.expected);
    if (step.check == wire::Check::device) text += fmt::format(" is device {:#x}", step.expected);
    if (step.check == wire::Check::absolute) text += " is absolute";
    text += '\n';
  }
  return text;
}

Encoded encode(Plan const& plan) {
  Arena arena;
  std::string steps;
  steps.reserve(plan.steps.size() * sizeof(wire::Step));
  for (auto const& step : plan.steps) {
    auto const out = encode(step, arena);
    steps.append(reinterpret_cast<char const*>(&out), sizeof out);
  }
  Encoded e;
  e.steps = static_cast<std::uint32_t>(plan.steps.size());
  e.arena = static_cast<std::uint32_t>(arena.bytes_.size());
  e.bytes = std::move(steps) + arena.bytes_;
  return e;
}

}  // namespace faas::inline v0::sandbox
