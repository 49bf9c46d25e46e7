// Members of a map of a document, each with its complaint. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/document.hpp"

namespace faas::inline v0::control {

using Complaint = TreeBuilder::Complaint;

// Takes members of one map and, at its end, complains of those that nobody took. Every member
// throws Complaint where it is of another kind or out of range. Absent and null are nothing.
class Fields {
 public:
  // `what` names the map in complaints: "hello", "the file". Throws if the node is no map.
  Fields(Node const&, std::string what);

  std::optional<std::string> text(std::string_view key);
  std::optional<std::uint64_t> number(std::string_view key, std::uint64_t low, std::uint64_t high);
  std::optional<std::map<std::string, std::string>> texts(std::string_view key);
  std::optional<std::vector<std::string>> list(std::string_view key);
  Node const* node(std::string_view key);  // nullptr: absent or null
  bool has(std::string_view key) const { return map_.find(key) != nullptr; }
  void ignore(std::string_view key) { taken_.insert(std::string(key)); }
  std::size_t line() const { return map_.line; }

  // `known`: what to say of the keys there are; `hint` is added to it.
  void finish(std::string_view hint = {}) const;

 private:
  Node const& map_;
  std::string what_;
  std::set<std::string, std::less<>> taken_;
};

// A scalar without a tag.
std::string const& text_of(Node const&, std::string_view what);
std::uint64_t number_of(Node const&, std::string_view what, std::uint64_t low, std::uint64_t high);
std::map<std::string, std::string> texts_of(Node const&, std::string_view what);

}  // namespace faas::inline v0::control
