#include "sandbox/uid_pool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "sys/directory.hpp"
#include "sys/file.hpp"

namespace faas::inline v0::sandbox {
namespace {

constexpr std::uint64_t kBlock = 256;

}  // namespace

Result<UidPool> UidPool::open(std::string const& directory, std::uint32_t base,
                              std::uint32_t count) {
  for (auto slash = directory.find('/', 1);; slash = directory.find('/', slash + 1)) {
    auto const part = directory.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return sys::errno_error("mkdir " + part, errno);
    if (slash == std::string::npos) break;
  }
  auto fd = sys::open_file(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return fd.error();
  UidPool pool;
  pool.directory_ = std::move(*fd);
  pool.base_ = base;
  pool.count_ = count;
  pool.next_block_ = base / kBlock;
  return pool;
}

Result<std::uint32_t> UidPool::take() {
  if (free_.empty())
    if (auto claimed = claim_block(); !claimed) return claimed.error();
  auto const id = free_.back();
  free_.pop_back();
  return id;
}

// To the front: an id rests as long as possible before it is used again.
void UidPool::give_back(std::uint32_t id) { free_.insert(free_.begin(), id); }

Result<void> UidPool::claim_block() {
  std::uint64_t const first = base_ / kBlock, last = (base_ + std::uint64_t{count_} - 1) / kBlock;
  for (std::uint64_t tried = 0; tried <= last - first; ++tried) {
    auto const block = next_block_;
    next_block_ = block == last ? first : block + 1;
    if (std::find(claimed_.begin(), claimed_.end(), block) != claimed_.end()) continue;
    auto fd =
        sys::open_beneath(directory_.get(), std::to_string(block * kBlock), O_RDWR | O_CREAT, 0600);
    if (!fd) return fd.error();
    auto locked = sys::try_lock(fd->get());
    if (!locked) return locked.error();
    if (!*locked) continue;
    locks_.push_back(std::move(*fd));
    claimed_.push_back(block);
    auto const low = std::max<std::uint64_t>(base_, block * kBlock);
    auto const high = std::min<std::uint64_t>(base_ + std::uint64_t{count_}, (block + 1) * kBlock);
    for (auto id = high; id-- > low;) free_.push_back(static_cast<std::uint32_t>(id));
    return {};
  }
  return Error{
      Errc::throttled,
      fmt::format("all {} host ids from {} on are in use: set a larger uid_count", count_, base_),
      "UidsExhausted", "start"};
}

}  // namespace faas::inline v0::sandbox
