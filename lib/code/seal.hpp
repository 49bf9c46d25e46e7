// What the kernel said of every file of a tree when the tree was verified. Looking again costs one
// call a file, where verifying reads every byte.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <faas/error.hpp>
#include <string>
#include <vector>

namespace faas::inline v0::code {

class Seal {
 public:
  // Of the tree `name` in the directory `trees`, as it is now. To be taken before the tree is
  // verified: what is written later is then seen, whenever that is.
  static Result<Seal> of(int trees, std::string const& name);

  // No file or directory of it was written, replaced, added or removed since, as far as the file
  // system tells: writing changes ctime, which nobody can set.
  bool holds(int trees) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string path;  // from `trees`
    dev_t device;
    ino_t inode;
    mode_t mode;
    off_t size;
    std::int64_t seconds, nanoseconds;  // ctime
  };
  static Entry entry(std::string path, struct stat const&);
  Result<void> add(int trees, std::string const& path);

  std::vector<Entry> entries_;
};

}  // namespace faas::inline v0::code
