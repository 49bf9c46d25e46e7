// The cache behind its handles: which packages are known, which trees stand, who holds them. Shared
// by the CodeCache and every pinned Tree, so the directory stays locked while a tree is in use.
#pragma once

#include <condition_variable>
#include <faas/code_cache.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "code/disk.hpp"
#include "code/intake.hpp"
#include "code/seal.hpp"
#include "code/tree.hpp"

namespace faas::inline v0::code {

class Shelf {
 public:
  Shelf(std::unique_ptr<Disk> disk, PackageLimits limits, std::vector<Package> const& found);
  ~Shelf();

  PackageLimits const& limits() const { return limits_; }
  Disk const& disk() const { return *disk_; }

  Result<Package> store(BlobSource&);
  Result<Package> find(Digest const&) const;
  std::vector<Package> list() const;
  Result<void> remove(Digest const&);
  Result<std::filesystem::path> upload(Digest const&) const;

  // Counts one holder of the tree until unpin. True: it stood already.
  Result<bool> pin(Digest const&);
  // The same for several packages as one tree, which has a name of its own.
  struct Held {
    Digest name;
    bool stood;
  };
  Result<Held> pin(std::span<Digest const> layers);
  void unpin(Digest const&);
  std::filesystem::path tree_path(Digest const&) const;
  // Without blocking: a look at the metadata of a tree that is pinned. False: something of it was
  // written since it was verified, or it has too many files to look at; then pin again.
  bool untouched(Digest const&) const;

 private:
  // What one thread does to a digest's files while others wait: an unpacking, a publication, a
  // removal.
  struct Work {
    bool is_done = false;
    std::optional<Error> error;  // for those who waited for the same
  };
  using SealPointer = std::shared_ptr<Seal const>;
  struct Slot {
    std::optional<Package> package;
    bool is_merged = false;    // of several packages; it has none of its own
    bool tree_stands = false;  // built or verified by this process
    SealPointer seal;          // since then
    unsigned pins = 0;
    std::shared_ptr<Work> work;
  };
  using Slots = std::map<Digest, Slot>;
  using Lock = std::unique_lock<std::mutex>;

  struct StagedTree {
    Temporary temporary;
    Unpacked content;
  };

  // Owns a slot's work from begin to end.
  class Claim {
   public:
    Claim(Shelf&, Slots::iterator);
    Claim(Claim&& other) noexcept : shelf_(std::exchange(other.shelf_, nullptr)), at_(other.at_) {}
    Claim& operator=(Claim&&) = delete;
    ~Claim();  // takes the lock
    Slots::iterator at() const { return at_; }
    Slot& slot() const { return at_->second; }

   private:
    Shelf* shelf_;
    Slots::iterator at_;
  };

  enum class Kind { package, merged };
  // Puts a slot's tree into trees/ unless it is whole there (true).
  using Make = std::function<Result<bool>(Slot const&, SealPointer&)>;

  Error unknown(Digest const&) const;
  Result<bool> pin_with(Digest const&, Kind, Make const&);
  Result<bool> pin_merged(Digest const& name, std::vector<Package> const&);
  Result<StagedTree> merge(std::vector<Package> const&) const;
  void rest(Digest const& merged);
  Claim claim(Digest const&, Lock&);
  void settle(Slots::iterator);
  void take_away_tree(Digest const&);
  void sweep();
  void keep(Slots::iterator, Package);
  void forget(Slots::iterator);

  std::optional<Package> known_upload(Sum const&) const;
  Result<StagedTree> stage(int upload, PackageLimits const&) const;
  Result<Package> publish(Upload&, StagedTree&);
  Result<void> commit(Upload&, StagedTree*, Package const&);
  Result<void> publish_tree(StagedTree&);
  bool look(Slots::iterator, Lock&);
  Result<bool> materialise(Package const&, SealPointer&);
  Result<StagedTree> stage_again(Package const&) const;
  SealPointer seal_of(Digest const&) const;
  bool stands_whole(Digest const&) const;
  Result<sys::Fd> open_checked_upload(Package const&) const;

  std::unique_ptr<Disk> disk_;
  PackageLimits const limits_;

  mutable std::mutex
      mutex_;  // guards what follows; under it at most a rename, never reads or writes
  std::condition_variable changed_;
  Slots slots_;
  // Of each slot that has a package, by its code_sha256.
  std::unordered_map<std::string, Slots::iterator> uploads_;
  std::vector<Digest> resting_;      // merged trees that stand and that nobody holds, oldest first
  std::vector<std::string> doomed_;  // names in tmp/, removed by the next call that may block
};

}  // namespace faas::inline v0::code
