// What this program asks the disk to keep: every fsync still reaches the kernel, and is written
// down.
#pragma once

#include <functional>
#include <string>

namespace faas::test {

// While it lives, `seen` is called with the path of each descriptor before its fsync. One at a
// time.
class SyncWatch {
 public:
  explicit SyncWatch(std::function<void(std::string const& path)> seen);
  ~SyncWatch();
  SyncWatch(SyncWatch const&) = delete;
  SyncWatch& operator=(SyncWatch const&) = delete;
};

}  // namespace faas::test
