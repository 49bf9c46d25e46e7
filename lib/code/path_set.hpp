// The names of one package: no name twice, in any case of its letters, and no file or link in a
// directory's place. Pure; memory grows with the number of names, not with their depth.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace faas::inline v0::code {

class PathSet {
 public:
  enum class Kind { file, directory, link };

  // `path` has no complaint (names.hpp). What is wrong with it beside the earlier ones, or nothing.
  // Directories that are new, named or implied, are appended to directories() parents first.
  std::optional<std::string> add(std::string_view path, Kind);

  // What has that very name, directories that are only implied too.
  std::optional<Kind> find(std::string_view path) const;

  std::uint64_t size() const { return nodes_.size() - 1; }  // all but the root
  std::uint64_t name_bytes() const { return name_bytes_; }  // of all their full paths
  std::vector<std::string>& directories() { return directories_; }

 private:
  enum class State { implied, directory, file, link };
  struct Node {
    std::string name;
    State state;
  };
  using Index = std::uint32_t;

  static State state_of(Kind);
  static bool is_directory(State);
  std::optional<std::string> enter(Index& at, std::string_view path, std::size_t begin,
                                   std::size_t end, State wanted);

  std::vector<Node> nodes_{{"", State::implied}};
  std::unordered_map<std::string, Index> children_;  // parent's index and folded name -> node
  std::vector<std::string> directories_;
  std::uint64_t name_bytes_ = 0;
};

}  // namespace faas::inline v0::code
