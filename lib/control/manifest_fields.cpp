#include "control/manifest_fields.hpp"

#include <fmt/format.h>

#include <charconv>

namespace faas::inline v0::control {
namespace {

std::string kind_of(Node const& node) {
  switch (node.kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::scalar: return fmt::format("'{}'", node.text.substr(0, 40));
    case Node::Kind::sequence: return "a list";
    case Node::Kind::map: return "a map";
  }
  return "something else";
}

// {Ref: x} and {"Fn::Sub": x} are the long forms of !Ref and !Sub.
bool is_intrinsic(Node const& node) {
  return node.kind == Node::Kind::map && node.members.size() == 1 &&
         (node.members[0].key == "Ref" || node.members[0].key == "Condition" ||
          node.members[0].key.starts_with("Fn::"));
}

void refuse_intrinsic(Node const& node, std::string_view what) {
  auto const name = !node.tag.empty()    ? node.tag
                    : is_intrinsic(node) ? node.members[0].key
                                         : std::string();
  if (name.empty()) return;
  throw Complaint{node.line, fmt::format("{} is {}, which CloudFormation would have to resolve; "
                                         "write the value itself",
                                         what, name)};
}

}  // namespace

std::string const& text_of(Node const& node, std::string_view what) {
  refuse_intrinsic(node, what);
  if (node.kind != Node::Kind::scalar)
    throw Complaint{node.line, fmt::format("{} must be a text, not {}", what, kind_of(node))};
  return node.text;
}

std::uint64_t number_of(Node const& node, std::string_view what, std::uint64_t low,
                        std::uint64_t high) {
  refuse_intrinsic(node, what);
  std::uint64_t value = 0;
  auto const& text = node.text;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const read = node.kind == Node::Kind::scalar && error == std::errc{} &&
                    end == text.data() + text.size() && value >= low && value <= high;
  if (!read) {
    throw Complaint{node.line, fmt::format("{} must be a whole number from {} to {}, not {}", what,
                                           low, high, kind_of(node))};
  }
  return value;
}

std::map<std::string, std::string> texts_of(Node const& node, std::string_view what) {
  refuse_intrinsic(node, what);
  if (node.kind != Node::Kind::map)
    throw Complaint{node.line,
                    fmt::format("{} must be a map of texts, not {}", what, kind_of(node))};
  std::map<std::string, std::string> out;
  for (auto const& [key, line, value] : node.members) {
    auto const name = fmt::format("{}.{}", what, key);
    if (value.kind == Node::Kind::null)
      throw Complaint{line, fmt::format("{} has no value; an empty text is written \"\"", name)};
    out[key] = text_of(value, name);
  }
  return out;
}

Fields::Fields(Node const& node, std::string what) : map_(node), what_(std::move(what)) {
  refuse_intrinsic(node, what_);
  if (node.kind != Node::Kind::map)
    throw Complaint{node.line, fmt::format("{} must be a map, not {}", what_, kind_of(node))};
}

Node const* Fields::node(std::string_view key) {
  taken_.insert(std::string(key));
  auto const* found = map_.find(key);
  return found == nullptr || found->kind == Node::Kind::null ? nullptr : found;
}

std::optional<std::string> Fields::text(std::string_view key) {
  auto const* found = node(key);
  if (found == nullptr) return std::nullopt;
  return text_of(*found, key);
}

std::optional<std::uint64_t> Fields::number(std::string_view key, std::uint64_t low,
                                            std::uint64_t high) {
  auto const* found = node(key);
  if (found == nullptr) return std::nullopt;
  return number_of(*found, key, low, high);
}

std::optional<std::map<std::string, std::string>> Fields::texts(std::string_view key) {
  auto const* found = node(key);
  if (found == nullptr) return std::nullopt;
  return texts_of(*found, key);
}

std::optional<std::vector<std::string>> Fields::list(std::string_view key) {
  auto const* found = node(key);
  if (found == nullptr) return std::nullopt;
  refuse_intrinsic(*found, key);
  if (found->kind != Node::Kind::sequence)
    throw Complaint{found->line, fmt::format("{} must be a list, not {}", key, kind_of(*found))};
  std::vector<std::string> out;
  for (auto const& item : found->items) out.push_back(text_of(item, key));
  return out;
}

void Fields::finish(std::string_view hint) const {
  for (auto const& member : map_.members) {
    if (taken_.contains(member.key)) continue;
    std::string known;
    for (auto const& key : taken_) known += (known.empty() ? "" : ", ") + key;
    throw Complaint{member.line, fmt::format("{} has no '{}' here; what may stand there: {}{}",
                                             what_, member.key, known, hint)};
  }
}

}  // namespace faas::inline v0::control
