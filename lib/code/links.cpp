#include "code/links.hpp"

#include "code/names.hpp"

namespace faas::inline v0::code {
namespace {

std::string_view directory_of(std::string_view path) {
  auto const slash = path.rfind('/');
  return path.substr(0, slash == path.npos ? 0 : slash);
}

bool lies_in(std::string_view path, std::string const& directory) {
  return path.starts_with(directory + '/');
}

}  // namespace

// Only ".." at the front is followed by its text: what it leads to holds the link, so it is a
// directory and no link. A name that `names` finds lies in directories only.
std::optional<std::string> complaint_about_link(PathSet const& names, std::string_view path,
                                                std::string_view target) {
  auto base = directory_of(path);
  bool const here = target.starts_with("./");
  if (here) target.remove_prefix(2);
  for (; !here && target.starts_with("../"); target.remove_prefix(3)) {
    if (base.empty()) return "its target lies outside the package";
    base = directory_of(base);
  }
  if (complaint_about_path(target)) return "its target is not a relative path in its shortest form";
  auto const named = std::string(base) + (base.empty() ? "" : "/") + std::string(target);
  auto const found = names.find(named);
  if (!found) return "its target is not in the package";
  if (found == PathSet::Kind::link) return "its target is a link itself";
  if (lies_in(path, named)) return "its target is a directory that it lies in";
  return std::nullopt;
}

}  // namespace faas::inline v0::code
