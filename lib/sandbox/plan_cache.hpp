// The last plans as messages: the next jail of a function differs from the one before it in its
// host id alone.
#pragma once

#include <list>
#include <tuple>

#include "sandbox/plan.hpp"

namespace faas::inline v0::sandbox {

class PlanCache {
 public:
  struct Ready {
    Encoded encoded;
    std::uint64_t clone_flags = 0;
    std::uint32_t owner = wire::kSpawnersOwn;
  };
  // What make_plan and encode say, without the program's steps where `pause`. Until the next call.
  // Of the facts only the place in line may differ from call to call.
  Ready const& get(Spec const&, Facts const&, std::uint32_t host_uid, std::uint32_t host_gid,
                   bool pause);

 private:
  struct Entry {
    Spec spec;
    int nice = 0;
    bool background = false, pause = false;
    std::uint32_t uid = 0, gid = 0;
    std::size_t uid_at = 0, gid_at = 0;  // the texts of the maps, in encoded.bytes
    Ready ready;
  };
  static Entry make(Spec const&, Facts const&, std::uint32_t uid, std::uint32_t gid, bool pause);
  static bool give(Entry&, std::uint32_t uid, std::uint32_t gid);

  std::list<Entry> entries_;  // the last used first
};

}  // namespace faas::inline v0::sandbox
