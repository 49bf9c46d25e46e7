// A revision in use: made by its first call, forgotten when it is retired and nothing of it lives,
// or when a thousand others went unused after it.
#pragma once

#include <atomic>
#include <faas/code_cache.hpp>
#include <faas/invoker.hpp>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "registry/registry.hpp"

namespace faas::inline v0::runtime {

// What a revision's jails see of packages.
struct Trees {
  Tree code;
  Tree layers;  // empty: it has none
  bool were_cached() const { return code.was_cached() && (!layers || layers.was_cached()); }
};

struct Revision {
  registry::Entry info;
  std::string arn;
  std::shared_ptr<HostCallable const> callable;  // null: it runs in jails
  std::atomic<bool> retired = false;

  Place place() const { return callable ? Place::host_callable : Place::here; }

  // With the engine's mutex.
  Trees trees;
  bool trees_were_cached = true;  // false: the next start is the first with this code
  bool pinning = false;
  std::vector<InstanceId> waiting;  // starts that wait for the trees
  std::size_t calls = 0, instances = 0;
  unsigned provisioned = 0;                               // instances that are kept
  std::optional<std::list<RevisionId>::iterator> unused;  // its place among those
};

}  // namespace faas::inline v0::runtime
