#include "code/path_set.hpp"

#include <algorithm>

#include "code/names.hpp"

namespace faas::inline v0::code {
namespace {

std::string key_of(std::uint32_t parent, std::string_view component) {
  std::string key(reinterpret_cast<char const*>(&parent), sizeof parent);
  return key += fold_case(component);
}

}  // namespace

std::optional<PathSet::Kind> PathSet::find(std::string_view path) const {
  Index at = 0;
  for (std::size_t begin = 0; begin < path.size();) {
    auto const end = std::min(path.find('/', begin), path.size());
    auto const component = path.substr(begin, end - begin);
    auto const child = children_.find(key_of(at, component));
    if (child == children_.end() || nodes_[child->second].name != component) return std::nullopt;
    at = child->second;
    begin = end + 1;
  }
  switch (nodes_[at].state) {
    case State::file: return Kind::file;
    case State::link: return Kind::link;
    default: return Kind::directory;
  }
}

PathSet::State PathSet::state_of(Kind kind) {
  return kind == Kind::file ? State::file : kind == Kind::link ? State::link : State::directory;
}

bool PathSet::is_directory(State state) {
  return state == State::implied || state == State::directory;
}

std::optional<std::string> PathSet::add(std::string_view path, Kind kind) {
  Index at = 0;
  for (std::size_t begin = 0; begin < path.size();) {
    auto const end = std::min(path.find('/', begin), path.size());
    auto const last = end == path.size();
    auto const state = last ? state_of(kind) : State::implied;
    if (auto complaint = enter(at, path, begin, end, state)) return complaint;
    begin = end + 1;
  }
  return std::nullopt;
}

std::optional<std::string> PathSet::enter(Index& at, std::string_view path, std::size_t begin,
                                          std::size_t end, State wanted) {
  auto const component = path.substr(begin, end - begin);
  auto const [child, is_new] =
      children_.try_emplace(key_of(at, component), static_cast<Index>(nodes_.size()));
  at = child->second;
  if (is_new) {
    nodes_.push_back({std::string(component), wanted});
    name_bytes_ += end;
    if (is_directory(wanted)) directories_.emplace_back(path.substr(0, end));
    return std::nullopt;
  }
  auto& node = nodes_[at];
  if (node.name != component) {
    return "another entry's name differs only in case: " + shown(node.name);
  }
  if (is_directory(wanted) != is_directory(node.state)) {
    if (!is_directory(wanted)) return "another entry uses it as a directory";
    return shown(path.substr(0, end)) + " is a file and a directory at once";
  }
  if (!is_directory(wanted) || (wanted == State::directory && node.state == wanted))
    return "its name appears twice";
  if (wanted == State::directory) node.state = State::directory;
  return std::nullopt;
}

}  // namespace faas::inline v0::code
