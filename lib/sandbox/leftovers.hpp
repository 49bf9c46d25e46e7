// The groups of runtimes below one cgroup root, living and dead. Whose a group is, is never
// guessed:
//
//   A runtime holds the lock (flock) of its own group from before there is anything in it until its
//   process has ended or ~Cgroups has removed it. The kernel gives the lock back however that
//   happens, so a group whose lock can be had is a dead runtime's, with whatever id: the same, when
//   faasd is started again, or a random one that nobody will ever use again.
//   Nobody kills in a group or removes it without its lock (sys::try_claim).
//
// So a start may clear away at any time, beside living runtimes of this process and of others and
// beside other starts that do the same; and what a start killed half-way leaves is a dead group
// like any other, only smaller. Two locks are lent: to a spawner on its way to its exec, for as
// long as that takes, and to a host's own fork that kept the descriptor, until it ends. Until then
// the group counts as alive, and a later start removes it. Without a cgroup
// (Privilege::unprivileged) there is nothing to clear: jails end with their spawner, and the
// spawner with its host.
#pragma once

#include <string>
#include <string_view>

#include "sys/fd.hpp"

namespace faas::inline v0::sandbox {

std::string group_name(std::string_view runtime_id);  // faas-<runtime id>

// The group of that id, made if missing, locked, and empty. Waits two seconds for the lock: another
// start may be clearing it away. Errors: conflict (a living process has this id), denied, io.
Result<sys::Fd> claim_group(int root, std::string const& runtime_id);

// Kills everything in the group and below it at once, and removes what is below it. Waits for two
// seconds at most. False: something is left (a process the kernel cannot end yet).
bool empty_group(int group);
// empty_group, then the group itself.
void remove_group(int root, std::string const& name, sys::Fd group);

// Removes the groups of dead runtimes. Only directories made as we make them count: a name of ours,
// our user, closed to everybody else.
void remove_dead_groups(int root);

}  // namespace faas::inline v0::sandbox
