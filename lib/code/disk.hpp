// The cache's directory: who owns it, what lies where. Every name below it is a digest or random.
//
//   uploads/<sha256>     the uploaded bytes, durable
//   packages/<digest>    what is known of a package (package_record.hpp), durable; the point of
//   commit trees/<digest>       an unpacked tree, whole since it got its name by rename;
//   rebuildable quarantine/          damaged files set aside, for a person to look at tmp/ nothing
//   in it means anything after a restart
#pragma once

#include <faas/code_cache.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sys/fd.hpp"

namespace faas::inline v0::code {

// A file or tree in tmp/, removed unless it was moved away.
class Temporary {
 public:
  Temporary(int directory, std::string name) : directory_(directory), name_(std::move(name)) {}
  Temporary(Temporary&& other) noexcept
      : directory_(std::exchange(other.directory_, -1)), name_(std::move(other.name_)) {}
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary();

  std::string const& name() const { return name_; }
  void moved_away() { directory_ = -1; }

 private:
  int directory_;
  std::string name_;
};

class Disk {
 public:
  // Takes the lock and empties tmp/. Empty: a private directory, removed at destruction, and with
  // the next private one's opening if its process was killed.
  static Result<std::unique_ptr<Disk>> open(std::filesystem::path const& directory);
  Disk(Disk const&) = delete;
  Disk& operator=(Disk const&) = delete;
  ~Disk();

  std::filesystem::path const& root() const { return root_; }
  int uploads() const { return uploads_.get(); }
  int packages() const { return packages_.get(); }
  int trees() const { return trees_.get(); }
  int tmp() const { return tmp_.get(); }

  // Reads every package; damaged records are set aside, files that belong to none removed (uploads
  // are set aside instead if a record was damaged: it may have been theirs).
  Result<std::vector<Package>> load();

  std::string fresh_name() const;  // never used before, for tmp/
  Temporary fresh_temporary() const { return {tmp(), fresh_name()}; }
  // Moves uploads/<name>, packages/<name> or trees/<name> to quarantine/<kind>-<name>.
  Result<void> set_aside(int from, std::string const& name, std::string const& kind) const;
  bool is_aside(std::string const& name, std::string const& kind) const;

 private:
  Disk() = default;
  static Result<std::unique_ptr<Disk>> open_private();
  Result<void> enter(std::filesystem::path const& directory);
  Result<void> make_layout();
  Result<void> remove_unknown(int directory, std::vector<std::string> const& known) const;

  std::filesystem::path root_;
  bool is_private_ = false;
  sys::Fd directory_, uploads_, packages_, trees_, quarantine_, tmp_;
};

}  // namespace faas::inline v0::code
