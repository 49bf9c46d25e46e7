// The directory of one runtime: made if missing, owned by one process at a time.
#pragma once

#include <faas/error.hpp>
#include <filesystem>
#include <string>

#include "sys/fd.hpp"

namespace faas::inline v0::runtime {

class StateDir {
 public:
  // Empty path: no directory, everything in memory. Made with mode 0700; one that is there keeps
  // its own. Errors: conflict (another runtime owns it; the message names its pid), io, denied
  // (also: everybody may write it).
  static Result<StateDir> open(std::string const& path);

  bool durable() const { return !path_.empty(); }
  // Paths below it; empty without a directory.
  std::string database() const { return below("faas.db"); }
  std::string code() const { return below("code"); }
  std::string logs() const { return below("logs"); }
  // Marks what this directory's runtime leaves in the kernel: the same at every open, so that what
  // a kill -9 left is found. 12 of [0-9a-f].
  std::string const& runtime_id() const { return runtime_id_; }

  // Nothing below is written any more: another runtime may own it.
  void release() { lock_.reset(); }

 private:
  std::string below(char const* name) const { return path_.empty() ? "" : (path_ / name).string(); }

  std::filesystem::path path_;
  std::string runtime_id_;
  sys::Fd lock_;
};

}  // namespace faas::inline v0::runtime
