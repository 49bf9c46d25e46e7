// Host ids for jails, never one for two jails of this machine at once, whichever process made them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sys/fd.hpp"

namespace faas::inline v0::sandbox {

// Ids are claimed in blocks of 256, each by flock on a file of its own in a directory all runtimes
// of the machine share, so that several of them can be given the same range. A block is freed with
// its owner, however that ends; its file stays, empty, for the next one.
class UidPool {
 public:
  // `directory` is made if missing, mode 0700. Errors: io, denied.
  static Result<UidPool> open(std::string const& directory, std::uint32_t base,
                              std::uint32_t count);

  // Errors: throttled (the range is used up: make it larger), io.
  Result<std::uint32_t> take();
  void give_back(std::uint32_t);
  std::size_t blocks() const { return claimed_.size(); }

 private:
  Result<void> claim_block();

  sys::Fd directory_;
  std::uint32_t base_ = 0;
  std::uint32_t count_ = 0;
  std::uint64_t next_block_ = 0;  // where the next search for a free one begins
  std::vector<sys::Fd> locks_;
  std::vector<std::uint64_t> claimed_;  // blocks
  std::vector<std::uint32_t> free_;
};

}  // namespace faas::inline v0::sandbox
