// Several packages as one tree: unpacked in order, a later one's files in place of an earlier
// one's.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "code/errors.hpp"
#include "code/shelf.hpp"
#include "sys/directory.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::code {
namespace {

constexpr std::size_t kResting = 8;  // merged trees kept without a holder
constexpr timespec kEpoch[2] = {{0, 0}, {0, 0}};

// Never a package's: those begin with another word (tree.hpp).
Digest name_of(std::span<Digest const> layers) {
  Sha256 hash;
  hash.update(sys::bytes_of({"faas-layers 1\0", 14}));
  for (auto const& layer : layers) {
    auto const line = fmt::format("{}\n", layer.hex);
    hash.update(sys::bytes_of(line));
  }
  return {to_hex(hash.finish())};
}

bool is_directory(int parent, std::string const& name) {
  struct stat status {};
  return ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode);
}

Result<sys::Fd> open_directory(int parent, std::string const& name) {
  return sys::open_beneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

Result<void> lay_over(int onto, int from);

// Two directories become one; anything else takes the place of what has its name. No link of either
// is followed, and none leads out of the merged tree: each lies where it lay, and its text leads
// from there to names of its own package.
Result<void> lay_entry(int onto, int from, std::string const& name) {
  if (is_directory(onto, name) && is_directory(from, name)) {
    auto const below = open_directory(onto, name);
    if (!below) return below.error();
    auto const above = open_directory(from, name);
    if (!above) return above.error();
    return lay_over(below->get(), above->get());
  }
  if (auto removed = sys::remove_tree(onto, name); !removed) return removed;
  if (::renameat(from, name.c_str(), onto, name.c_str()) != 0)
    return sys::errno_error("rename of a layer's " + name, errno);
  return {};
}

Result<void> lay_over(int onto, int from) {
  auto const names = sys::list_names(from);
  if (!names) return names.error();
  for (auto const& name : *names) {
    if (auto laid = lay_entry(onto, from, name); !laid) return laid;
  }
  if (::futimens(onto, kEpoch) != 0) return sys::errno_error("futimens", errno);
  return {};
}

}  // namespace

Result<Shelf::Held> Shelf::pin(std::span<Digest const> layers) {
  if (layers.empty()) {
    return Error{Errc::invalid_argument, "no layer was named: name at least one", {}, "code"};
  }
  std::vector<Package> packages;
  for (auto const& layer : layers) {
    auto package = find(layer);
    if (!package) return package.error();
    packages.push_back(std::move(*package));
  }
  auto const name = layers.size() == 1 ? layers.front() : name_of(layers);
  auto const stood = layers.size() == 1 ? pin(name) : pin_merged(name, packages);
  if (!stood) return stood.error();
  return Held{name, *stood};
}

Result<bool> Shelf::pin_merged(Digest const& name, std::vector<Package> const& packages) {
  return pin_with(name, Kind::merged, [&](Slot const&, SealPointer& seal) -> Result<bool> {
    // What was touched is kept for a person to look at, as a package's tree is.
    (void)disk_->set_aside(disk_->trees(), name.hex, "tree");
    auto tree = merge(packages);
    if (!tree) return tree.error();
    tree->content.digest = name;
    if (auto published = publish_tree(*tree); !published) return internal_io(published.error());
    seal = seal_of(name);
    return false;
  });
}

// Each from its own upload, checked as for its own tree.
Result<Shelf::StagedTree> Shelf::merge(std::vector<Package> const& packages) const {
  auto merged = stage_again(packages.front());
  if (!merged) return merged.error();
  auto const onto = open_directory(disk_->tmp(), merged->temporary.name());
  if (!onto) return internal_io(onto.error());
  for (auto const& package : std::span(packages).subspan(1)) {
    auto const layer = stage_again(package);
    if (!layer) return layer.error();
    auto const from = open_directory(disk_->tmp(), layer->temporary.name());
    if (!from) return internal_io(from.error());
    if (auto laid = lay_over(onto->get(), from->get()); !laid) return internal_io(laid.error());
  }
  return std::move(*merged);
}

// The next revision of a function often has the same layers: the last few stay.
void Shelf::rest(Digest const& merged) {
  resting_.push_back(merged);
  if (resting_.size() <= kResting) return;
  auto const oldest = slots_.find(resting_.front());
  resting_.erase(resting_.begin());
  take_away_tree(oldest->first);
  slots_.erase(oldest);
}

}  // namespace faas::inline v0::code
