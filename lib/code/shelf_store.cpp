// How packages come onto the shelf and their trees come to stand.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <limits>

#include "base/text.hpp"
#include "code/errors.hpp"
#include "code/package_record.hpp"
#include "code/shelf.hpp"
#include "sys/directory.hpp"
#include "sys/durable_at.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::code {
namespace {

std::string base64_of(Sum const& sum) {
  return to_base64({reinterpret_cast<char const*>(sum.data()), sum.size()});
}

}  // namespace

Result<Package> Shelf::store(BlobSource& source) {
  auto upload = receive(source, *disk_, limits_.upload);
  if (!upload) return upload.error();
  if (auto known = known_upload(upload->sum)) return *known;
  auto tree = stage(upload->file.get(), limits_);
  if (!tree) return tree.error();
  auto package = publish(*upload, *tree);
  sweep();
  return package;
}

// The same bytes again cost no more than reading them, if they are still there.
std::optional<Package> Shelf::known_upload(Sum const& sum) const {
  auto const code_sha256 = base64_of(sum);
  Lock const lock(mutex_);
  auto const known = uploads_.find(code_sha256);
  if (known == uploads_.end()) return std::nullopt;
  if (::faccessat(disk_->uploads(), to_hex(sum).c_str(), F_OK, 0) != 0) return std::nullopt;
  return known->second->second.package;
}

// Unpacks into tmp/: a tree has a name in trees/ only when it is whole.
Result<Shelf::StagedTree> Shelf::stage(int upload, PackageLimits const& limits) const {
  auto zip = ByteFile::of(upload);
  if (!zip) return zip.error();
  auto temporary = disk_->fresh_temporary();
  auto directory = sys::make_directory(disk_->tmp(), temporary.name(), kDirectoryMode);
  if (!directory) return internal_io(directory.error());
  if (::fchmod(directory->get(), kDirectoryMode) != 0) return sys::errno_error("fchmod", errno);
  auto content = unpack(*zip, directory->get(), limits);
  if (!content) return internal_io(content.error());
  return StagedTree{std::move(temporary), std::move(*content)};
}

Result<Package> Shelf::publish(Upload& upload, StagedTree& tree) {
  Package package{tree.content.digest, base64_of(upload.sum), upload.size, tree.content.bytes};
  Lock lock(mutex_);
  auto const claimed = claim(package.digest, lock);
  auto const previous = claimed.slot().package;
  auto const stands = claimed.slot().tree_stands;
  lock.unlock();

  bool const replaces = previous && previous->code_sha256 != package.code_sha256;
  auto committed = commit(upload, stands ? nullptr : &tree, package);
  auto const seal = committed && !stands ? seal_of(package.digest) : nullptr;
  lock.lock();
  if (committed) keep(claimed.at(), package);
  // One that stood has the seal of when it was verified, and keeps it.
  if (committed && !stands) {
    claimed.slot().tree_stands = true;
    claimed.slot().seal = seal;
  }
  lock.unlock();
  // Bytes that no record names any more: the old ones after a success, the new ones after a
  // failure.
  if (committed && replaces) (void)sys::remove_tree(disk_->uploads(), upload_name(*previous));
  if (!committed && (!previous || replaces)) {
    (void)sys::remove_tree(disk_->uploads(), upload_name(package));
    if (!previous && !stands) (void)sys::remove_tree(disk_->trees(), package.digest.hex);
  }
  if (!committed) return internal_io(committed.error());
  return package;
}

// In this order: bytes, tree, record. A crash between leaves only what the next open removes.
Result<void> Shelf::commit(Upload& upload, StagedTree* tree, Package const& package) {
  auto const name = upload_name(package);
  if (auto synced = sys::sync(upload.file.get(), "the upload"); !synced) return synced;
  auto renamed = sys::rename_durably(disk_->tmp(), upload.temporary.name(), disk_->uploads(), name);
  if (!renamed) return renamed;
  upload.temporary.moved_away();
  if (tree != nullptr) {
    if (auto published = publish_tree(*tree); !published) return published;
  }
  return sys::write_durably(disk_->tmp(), disk_->fresh_name(), disk_->packages(),
                            package.digest.hex, to_record(package));
}

// Not durable on purpose: a tree that a power cut damaged is found by its digest and built again.
Result<void> Shelf::publish_tree(StagedTree& tree) {
  auto const& name = tree.content.digest.hex;
  {
    Lock const lock(mutex_);
    take_away_tree(tree.content.digest);  // of an earlier process, never verified here
  }
  if (::renameat(disk_->tmp(), tree.temporary.name().c_str(), disk_->trees(), name.c_str()) != 0) {
    return sys::errno_error("rename to trees/" + name, errno);
  }
  tree.temporary.moved_away();
  return {};
}

Shelf::SealPointer Shelf::seal_of(Digest const& digest) const {
  auto seal = Seal::of(disk_->trees(), digest.hex);
  return seal ? std::make_shared<Seal const>(std::move(*seal)) : nullptr;
}

// True: it stood already.
Result<bool> Shelf::materialise(Package const& package, SealPointer& seal) {
  seal = seal_of(package.digest);
  if (seal && stands_whole(package.digest)) return true;
  // The first that was found is kept for a person to look at; publish_tree removes another.
  (void)disk_->set_aside(disk_->trees(), package.digest.hex, "tree");
  auto tree = stage_again(package);
  if (!tree) return tree.error();
  if (auto published = publish_tree(*tree); !published) return internal_io(published.error());
  seal = seal_of(package.digest);
  return false;
}

// From the upload; the tree is the one that was stored.
Result<Shelf::StagedTree> Shelf::stage_again(Package const& package) const {
  auto upload = open_checked_upload(package);
  if (!upload) return upload.error();
  // It was accepted once: a limit lowered since does not take a function's code away.
  PackageLimits const as_stored{.upload = package.size,
                                .unpacked = package.unpacked,
                                .entries = std::numeric_limits<std::uint32_t>::max()};
  auto tree = stage(upload->get(), as_stored);
  if (!tree) return tree.error();
  if (tree->content.digest != package.digest) {
    return corrupt(fmt::format("package {} unpacks to another tree, {}; store it again",
                               package.digest.hex, tree->content.digest.hex));
  }
  return tree;
}

// Whatever is wrong with a tree that was left here, building it again mends it.
bool Shelf::stands_whole(Digest const& digest) const {
  auto tree = sys::open_beneath(disk_->trees(), digest.hex, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!tree) return false;
  auto const found = digest_of(tree->get());
  return found && *found == digest;
}

Result<sys::Fd> Shelf::open_checked_upload(Package const& package) const {
  auto const name = upload_name(package);
  auto file = sys::open_beneath(disk_->uploads(), name, O_RDONLY | O_NONBLOCK);
  if (!file && file.error().code == Errc::not_found) {
    return corrupt(
        fmt::format("the uploaded bytes of package {} are missing from {}; store the "
                    "package again",
                    package.digest.hex, (disk_->root() / "uploads").string()));
  }
  if (!file) return internal_io(file.error());
  auto sum = sum_of(file->get());
  if (!sum) return internal_io(sum.error());
  if (to_hex(*sum) == name) return std::move(*file);
  if (auto moved = disk_->set_aside(disk_->uploads(), name, "upload"); !moved) {
    return internal_io(moved.error());
  }
  return corrupt(
      fmt::format("the uploaded bytes of package {} have changed on disk (their SHA-256 "
                  "is now {}) and were set aside in {}; store the package again",
                  package.digest.hex, to_hex(*sum), (disk_->root() / "quarantine").string()));
}

}  // namespace faas::inline v0::code
