#include "code/disk.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "base/text.hpp"
#include "code/errors.hpp"
#include "code/package_record.hpp"
#include "code/sha256.hpp"
#include "sys/directory.hpp"
#include "sys/durable_at.hpp"
#include "sys/file.hpp"
#include "sys/random.hpp"

namespace faas::inline v0::code {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInUse = "DirectoryInUse";
constexpr std::size_t kMaxRecord = 4096;

// Nothing of a tenant's code is for other users of the host.
constexpr unsigned kRootMode = 0700;

constexpr char const* kPrivateParent = "/tmp";
constexpr std::string_view kPrivatePrefix = "faas-code-";

std::string random_name() {
  std::array<std::byte, 16> bytes;
  sys::random_bytes(bytes);
  return to_hex(bytes);
}

bool is_private_name(std::string_view name) {
  return name.size() == kPrivatePrefix.size() + 32 && name.starts_with(kPrivatePrefix) &&
         name.find_first_not_of("0123456789abcdef", kPrivatePrefix.size()) ==
             std::string_view::npos;
}

// Private directories of caches whose processes were killed: nobody has their lock any more.
void remove_dead_private_directories() {
  auto parent = sys::open_file(kPrivateParent, O_RDONLY | O_DIRECTORY);
  if (!parent) return;
  auto const names = sys::list_names(parent->get());
  if (!names) return;
  for (auto const& name : *names) {
    if (!is_private_name(name)) continue;
    auto const dead = sys::try_claim(parent->get(), name);
    if (dead && *dead && sys::is_private((*dead)->get()))
      (void)sys::remove_tree(parent->get(), name);
  }
}

fs::path private_directory() {
  return fs::path(kPrivateParent) / fmt::format("{}{}", kPrivatePrefix, random_name());
}

Result<void> make_missing(fs::path const& directory) {
  std::error_code failed;
  if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), failed);
  if (failed) return sys::errno_error("mkdir " + directory.parent_path().string(), failed.value());
  if (::mkdir(directory.c_str(), kRootMode) != 0 && errno != EEXIST) {
    return sys::errno_error("mkdir " + directory.string(), errno);
  }
  return {};
}

std::optional<Package> read_record(int packages, std::string const& name) {
  auto file = sys::open_beneath(packages, name, O_RDONLY | O_NONBLOCK);
  if (!file) return std::nullopt;
  std::array<std::byte, kMaxRecord> buffer;
  auto const n = sys::read_at(file->get(), 0, buffer);
  if (!n) return std::nullopt;
  return from_record({reinterpret_cast<char const*>(buffer.data()), *n}, {name});
}

}  // namespace

Temporary::~Temporary() {
  if (directory_ >= 0) (void)sys::remove_tree(directory_, name_);
}

Result<std::unique_ptr<Disk>> Disk::open(fs::path const& directory) {
  if (directory.empty()) return open_private();
  std::unique_ptr<Disk> disk(new Disk);
  auto entered = disk->enter(directory);
  if (!entered && entered.error().reason == kInUse) return entered.error();
  if (!entered) return internal_io(entered.error());
  return disk;
}

// Another open may take a directory for a dead one's between our making and locking it: then the
// next name.
Result<std::unique_ptr<Disk>> Disk::open_private() {
  remove_dead_private_directories();
  constexpr int kTries = 10;
  for (int tries = 1;; ++tries) {
    std::unique_ptr<Disk> disk(new Disk);
    disk->root_ = private_directory();
    disk->is_private_ = true;
    auto entered = disk->enter(disk->root_);
    if (entered) return disk;
    bool const was_taken =
        entered.error().reason == kInUse || entered.error().code == Errc::not_found;
    if (!was_taken || tries == kTries) return internal_io(entered.error());
  }
}

Disk::~Disk() {
  std::error_code ignored;
  if (is_private_) fs::remove_all(root_, ignored);
}

Result<void> Disk::enter(fs::path const& directory) {
  if (auto made = make_missing(directory); !made) return made;
  auto opened = sys::open_file(directory.string(), O_RDONLY | O_DIRECTORY);
  if (!opened) return opened.error();
  directory_ = std::move(*opened);
  auto locked = sys::try_lock(directory_.get());
  if (!locked) return locked.error();
  if (!*locked) {
    return Error{
        Errc::conflict,
        fmt::format("code cache directory {} is in use by another cache (its lock is held); "
                    "close that one or choose another directory",
                    directory.string()),
        std::string(kInUse), "code"};
  }
  std::error_code failed;
  root_ = fs::canonical(directory, failed);
  if (failed) return sys::errno_error("realpath " + directory.string(), failed.value());
  return make_layout();
}

Result<void> Disk::make_layout() {
  if (auto removed = sys::remove_tree(directory_.get(), "tmp"); !removed) return removed;
  for (auto [name, fd] : {std::pair{"uploads", &uploads_},
                          {"packages", &packages_},
                          {"trees", &trees_},
                          {"quarantine", &quarantine_},
                          {"tmp", &tmp_}}) {
    auto made = sys::make_directory(directory_.get(), name, kRootMode);
    if (!made) return made.error();
    *fd = std::move(*made);
  }
  return sys::sync(directory_.get(), root_.string());
}

Result<std::vector<Package>> Disk::load() {
  auto names = sys::list_names(packages());
  if (!names) return internal_io(names.error());
  std::vector<Package> found;
  std::vector<std::string> digests, uploads_in_use;
  bool damaged = false;
  for (auto const& name : *names) {
    auto package = is_sum(name) ? read_record(packages(), name) : std::nullopt;
    if (!package) {
      damaged = true;
      if (auto moved = set_aside(packages(), name, "package"); !moved) return moved.error();
      continue;
    }
    digests.push_back(name);
    uploads_in_use.push_back(upload_name(*package));
    found.push_back(std::move(*package));
  }
  std::sort(uploads_in_use.begin(), uploads_in_use.end());
  auto names_of_uploads = sys::list_names(uploads());
  if (!names_of_uploads) return internal_io(names_of_uploads.error());
  for (auto const& name : *names_of_uploads) {
    if (!damaged || std::binary_search(uploads_in_use.begin(), uploads_in_use.end(), name))
      continue;
    if (auto moved = set_aside(uploads(), name, "upload"); !moved) return moved.error();
  }
  if (auto r = remove_unknown(uploads(), uploads_in_use); !r) return internal_io(r.error());
  if (auto r = remove_unknown(trees(), digests); !r) return internal_io(r.error());
  return found;
}

// `known` is sorted.
Result<void> Disk::remove_unknown(int directory, std::vector<std::string> const& known) const {
  auto names = sys::list_names(directory);
  if (!names) return names.error();
  for (auto const& name : *names) {
    if (std::binary_search(known.begin(), known.end(), name)) continue;
    if (auto removed = sys::remove_tree(directory, name); !removed) return removed;
  }
  return {};
}

std::string Disk::fresh_name() const { return random_name(); }

Result<void> Disk::set_aside(int from, std::string const& name, std::string const& kind) const {
  return sys::rename_durably(from, name, quarantine_.get(), kind + '-' + name);
}

bool Disk::is_aside(std::string const& name, std::string const& kind) const {
  struct stat status {};
  auto const path = kind + '-' + name;
  return ::fstatat(quarantine_.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace faas::inline v0::code
