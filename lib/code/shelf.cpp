#include "code/shelf.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "code/errors.hpp"
#include "code/names.hpp"
#include "code/package_record.hpp"
#include "sys/directory.hpp"
#include "sys/durable_at.hpp"

namespace faas::inline v0::code {

constexpr std::size_t kAtOnce = 1024;  // files looked at without blocking: less than a millisecond

Shelf::Shelf(std::unique_ptr<Disk> disk, PackageLimits limits, std::vector<Package> const& found)
    : disk_(std::move(disk)), limits_(limits) {
  for (auto const& package : found) keep(slots_.try_emplace(package.digest).first, package);
}

Shelf::~Shelf() { sweep(); }

Shelf::Claim::Claim(Shelf& shelf, Slots::iterator at) : shelf_(&shelf), at_(at) {
  at_->second.work = std::make_shared<Work>();
}

Shelf::Claim::~Claim() {
  if (shelf_ == nullptr) return;
  Lock const lock(shelf_->mutex_);
  at_->second.work->is_done = true;
  at_->second.work.reset();
  shelf_->settle(at_);
  shelf_->changed_.notify_all();
}

// Waits for its turn; the slot is made if it is missing.
Shelf::Claim Shelf::claim(Digest const& digest, Lock& lock) {
  for (;;) {
    auto const at = slots_.try_emplace(digest).first;
    if (!at->second.work) return {*this, at};
    changed_.wait(lock, [work = at->second.work] { return work->is_done; });
  }
}

// A slot without package, holder and work goes, and its tree with it; a merged tree rests first.
void Shelf::settle(Slots::iterator at) {
  auto const& slot = at->second;
  if (slot.package || slot.pins != 0 || slot.work) return;
  if (slot.is_merged && slot.tree_stands) return rest(at->first);
  if (slot.tree_stands) take_away_tree(at->first);
  slots_.erase(at);
}

// At once, by name; its bytes later: the last handle may be dropped where nothing may block.
void Shelf::take_away_tree(Digest const& digest) {
  auto const doomed = disk_->fresh_name();
  if (::renameat(disk_->trees(), digest.hex.c_str(), disk_->tmp(), doomed.c_str()) == 0) {
    doomed_.push_back(doomed);
  }
}

void Shelf::sweep() {
  std::vector<std::string> doomed;
  {
    Lock const lock(mutex_);
    doomed.swap(doomed_);
  }
  // What cannot be removed now is removed at the next open.
  for (auto const& name : doomed) (void)sys::remove_tree(disk_->tmp(), name);
}

// The slot's package from now on, in the place of what it had.
void Shelf::keep(Slots::iterator at, Package package) {
  forget(at);
  uploads_.insert_or_assign(package.code_sha256, at);
  at->second.package = std::move(package);
}

void Shelf::forget(Slots::iterator at) {
  auto& package = at->second.package;
  if (!package) return;
  auto const known = uploads_.find(package->code_sha256);
  if (known != uploads_.end() && known->second == at) uploads_.erase(known);
  package.reset();
}

Error Shelf::unknown(Digest const& digest) const {
  if (is_sum(digest.hex) && disk_->is_aside(digest.hex, "package")) {
    return corrupt(fmt::format(
        "the record of package {} is damaged and was set aside in {}; store the package again",
        digest.hex, (disk_->root() / "quarantine").string()));
  }
  return {
      Errc::not_found,
      fmt::format("no package with digest {} is stored here; store it first", shown(digest.hex)),
      {},
      "code"};
}

Result<Package> Shelf::find(Digest const& digest) const {
  Lock const lock(mutex_);
  auto const at = slots_.find(digest);
  if (at == slots_.end() || !at->second.package) return unknown(digest);
  return *at->second.package;
}

std::vector<Package> Shelf::list() const {
  Lock const lock(mutex_);
  std::vector<Package> packages;
  for (auto const& [digest, slot] : slots_) {
    if (slot.package) packages.push_back(*slot.package);
  }
  return packages;
}

Result<std::filesystem::path> Shelf::upload(Digest const& digest) const {
  auto package = find(digest);
  if (!package) return package.error();
  return disk_->root() / "uploads" / upload_name(*package);
}

std::filesystem::path Shelf::tree_path(Digest const& digest) const {
  return disk_->root() / "trees" / digest.hex;
}

// Whether the standing tree is still what was verified; then it is pinned. If not, it is no longer
// one that stands, and the next one to claim it verifies or builds it again (K12).
bool Shelf::look(Slots::iterator at, Lock& lock) {
  auto& slot = at->second;
  auto const seal = slot.seal;
  ++slot.pins;  // so that it stays meanwhile
  lock.unlock();
  bool const holds = seal && seal->holds(disk_->trees());
  lock.lock();
  if (holds) return true;
  --slot.pins;
  if ((slot.package || slot.is_merged) && slot.seal == seal) slot.tree_stands = false;
  settle(at);
  return false;
}

bool Shelf::untouched(Digest const& digest) const {
  SealPointer seal;
  {
    Lock const lock(mutex_);
    auto const at = slots_.find(digest);
    if (at == slots_.end() || !at->second.tree_stands) return false;
    seal = at->second.seal;
  }
  return seal && seal->size() <= kAtOnce && seal->holds(disk_->trees());
}

Result<bool> Shelf::pin(Digest const& digest) {
  return pin_with(digest, Kind::package, [this](Slot const& slot, SealPointer& seal) {
    return materialise(*slot.package, seal);
  });
}

Result<bool> Shelf::pin_with(Digest const& digest, Kind kind, Make const& make) {
  Lock lock(mutex_);
  bool waited = false;
  auto at = slots_.end();
  for (;;) {
    if (kind == Kind::merged) slots_[digest].is_merged = true;
    at = slots_.find(digest);
    if (at == slots_.end() || (kind == Kind::package && !at->second.package))
      return unknown(digest);
    std::erase(resting_, digest);
    if (at->second.tree_stands) {
      if (look(at, lock)) return !waited;
      continue;
    }
    auto const work = at->second.work;
    if (!work) break;
    waited = true;
    changed_.wait(lock, [&] { return work->is_done; });
    if (work->error) return *work->error;
  }

  Claim const claim(*this, at);
  auto const slot = claim.slot();
  lock.unlock();
  SealPointer seal;
  auto stood = make(slot, seal);
  lock.lock();
  if (stood) {
    claim.slot().tree_stands = true;
    claim.slot().seal = std::move(seal);
    ++claim.slot().pins;
  } else {
    claim.slot().work->error = stood.error();
  }
  lock.unlock();
  sweep();
  return stood;
}

void Shelf::unpin(Digest const& digest) {
  Lock const lock(mutex_);
  auto const at = slots_.find(digest);
  --at->second.pins;
  settle(at);
}

Result<void> Shelf::remove(Digest const& digest) {
  {
    Lock lock(mutex_);
    if (!slots_.contains(digest)) return {};
    auto const claimed = claim(digest, lock);
    if (!claimed.slot().package) {
      lock.unlock();
      return {};
    }
    auto const upload = upload_name(*claimed.slot().package);
    lock.unlock();
    auto removed = sys::unlink_durably(disk_->packages(), digest.hex);
    if (!removed) return internal_io(removed.error());
    // Should this fail, the next open finds bytes without a package and removes them.
    (void)sys::remove_tree(disk_->uploads(), upload);
    lock.lock();
    forget(claimed.at());
    // A tree that an earlier process left was never verified here; it goes the same way.
    claimed.slot().tree_stands = true;
    lock.unlock();
  }
  sweep();
  return {};
}

}  // namespace faas::inline v0::code
